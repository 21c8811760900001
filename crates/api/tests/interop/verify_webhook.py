"""Verifies a webhook with the library of Standard Webhooks. Input: one JSON object with secret, headers, body."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

told = json.load(sys.stdin)
webhook = Webhook(told["secret"])
webhook.verify(told["body"], told["headers"])

forged = told["body"].replace("succeeded", "failed   ", 1)
assert forged != told["body"]
try:
    webhook.verify(forged, told["headers"])
except WebhookVerificationError:
    print("verified")
else:
    sys.exit("a forged body was verified")
