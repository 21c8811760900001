"""The shipped dialects once more, from their descriptions: pyiso8583 for messages, psec for DES, and nothing of ours.

A dialect reads and writes messages on a socket, computes MACs, and knows where working keys stand.
"""

import copy
import sys

import iso8583
from iso8583.specs import default_ascii
from psec import des, mac

TMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def say(*words):
    print(*words, flush=True)


def need(holds, what):
    if not holds:
        sys.exit(f"not as it should be: {what}")


def encipher(key, block):
    return des.encrypt_tdes_ecb(key, block)


def wrapped(key, check_bytes):
    """A working key under the terminal master key, and its check value."""
    return des.encrypt_tdes_ecb(TMK, key) + encipher(key, bytes(8))[:check_bytes]


def unwrapped(data, key_bytes, check_bytes):
    """The key of such bytes, its check value proved, and what is behind them."""
    key = des.decrypt_tdes_ecb(TMK, data[:key_bytes])
    check_value = data[key_bytes : key_bytes + check_bytes]
    need(encipher(key, bytes(8))[:check_bytes] == check_value, "the check value of a working key")
    return key, data[key_bytes + check_bytes :]


def shown(message):
    return " ".join(f"{key}={message[key]}" for key in ("t", "3", "4", "11", "39", "60", "70") if key in message)


class Iso87:
    """ISO 8583:1987 in ASCII; MAC X9.19 in 64 or 128; keys in 123: one for PINs, one for MACs."""

    PIK = bytes.fromhex("E6D5C8B0A1924F7301688A9BAD0E5440")
    MAC_LENGTH = 16
    KEY_FIELD = "123"
    ENVELOPE = b""
    LENGTH_COUNTS = 0

    def __init__(self):
        spec = copy.deepcopy(default_ascii)
        for number in ("64", "128"):
            spec[number].update(data_enc="ascii", len_type=0, max_len=16)
        for number in ("48", "123"):
            spec[number].update(data_enc="ascii", len_enc="ascii", len_type=3, max_len=999)
        for number in ("74", "75", "76", "77"):
            spec[number].update(data_enc="ascii", len_type=0, max_len=10)
        for number in ("86", "87", "88", "89"):
            spec[number].update(data_enc="ascii", len_type=0, max_len=16)
        spec["66"].update(data_enc="ascii", len_type=0, max_len=1)
        spec["97"].update(data_enc="ascii", len_type=0, max_len=17)
        self.spec = spec

    def spec_for(self, _mti):
        return self.spec

    def is_protected(self, mti):
        return mti[1] != "8"

    def mac_field(self, message):
        return "128" if any(key.isdigit() and int(key) > 64 for key in message) else "64"

    def mac(self, mak, data):
        return mac.generate_retail_mac(mak[:8], mak[8:], bytes(data), 1).hex().upper().encode()

    NO_MAC = "0" * 16

    def split(self, raw):
        return b"", raw

    def mti(self, body):
        return body[:4].decode()

    def reply_envelope(self, _envelope):
        return b""

    def new_mak(self, number):
        return bytes.fromhex("1C2516735B8304152A3BC4D5E6F70819" if number % 2 else "8FB0133B2C4A52EA9D6E45C85123AE20")

    def put_keys(self, message, mak):
        message["123"] = (wrapped(self.PIK, 3) + wrapped(mak, 3)).hex().upper()

    def take_keys(self, message):
        _, rest = unwrapped(bytes.fromhex(message["123"]), 16, 3)
        mak, rest = unwrapped(rest, 16, 3)
        need(rest == b"", "nothing behind the keys")
        return mak


def bcd(digits, variable=0):
    spec = {"data_enc": "b", "len_enc": "bcd", "len_type": variable, "max_len": digits, "len_count": "nibbles"}
    if digits % 2 or variable:
        spec["right_pad"] = "0"
    return spec


def text(length, variable=0):
    return {"data_enc": "ascii", "len_enc": "bcd", "len_type": variable, "max_len": length}


def binary(length, variable=0):
    return {"data_enc": "b", "len_enc": "bcd", "len_type": variable, "max_len": length}


class Cups:
    """UnionPay's POS dialect: packed digits, TPDU and application header, its own MAC in 64; keys in 62."""

    MAC_LENGTH = 8
    KEY_FIELD = "62"
    LENGTH_COUNTS = 0
    ENVELOPE = bytes.fromhex("6000030000603100311200")

    def __init__(self):
        spec = {str(number): binary(0) for number in range(1, 193)}
        spec.update({"h": binary(0), "t": binary(2), "p": binary(8), "1": binary(8)})
        digits = {3: 6, 4: 12, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 22: 3, 25: 2}
        spec.update({str(number): bcd(length) for number, length in digits.items()})
        spec.update({"2": bcd(19, 1), "32": bcd(11, 1), "60": bcd(17, 2), "61": bcd(29, 2)})
        spec.update({"37": text(12), "38": text(6), "39": text(2), "41": text(8), "42": text(15), "49": text(3)})
        spec.update({"44": text(25, 1), "48": text(999, 2), "63": text(163, 2)})
        spec.update({"62": binary(512, 2), "64": binary(8)})
        for item in spec.values():
            item.setdefault("desc", "")
        self.spec = spec
        self.totals = copy.deepcopy(spec)
        self.totals["48"] = dict(bcd(62, 2), desc="")
        self.upload = copy.deepcopy(spec)
        self.upload["48"] = dict(bcd(322, 2), desc="")

    def spec_for(self, mti):
        return {"3": self.upload, "5": self.totals}.get(mti[1], self.spec)

    def is_protected(self, mti):
        return mti[1] not in "358"

    def mac_field(self, _message):
        return "64"

    NO_MAC = "00" * 8

    def mac(self, mak, data):
        folded = bytes(8)
        for at in range(0, len(data), 8):
            block = bytes(data[at : at + 8]).ljust(8, b"\0")
            folded = bytes(one ^ other for one, other in zip(folded, block))
        digits = folded.hex().upper().encode()
        first = encipher(mak, digits[:8])
        second = encipher(mak, bytes(one ^ other for one, other in zip(first, digits[8:])))
        return second.hex().upper().encode()[:8]

    def split(self, raw):
        return raw[:11], raw[11:]

    def mti(self, body):
        return body[:2].hex()

    def reply_envelope(self, envelope):
        return envelope[:1] + envelope[3:5] + envelope[1:3] + envelope[5:]

    PIK = bytes.fromhex("1C2516735B8304152A3BC4D5E6F70819")

    def new_mak(self, number):
        return bytes.fromhex("8FB0133B2C4A52EA" if number % 2 else "9D6E45C85123AE20")

    def put_keys(self, message, mak):
        message["62"] = (wrapped(self.PIK, 4) + wrapped(mak, 4)).hex().upper()

    def take_keys(self, message):
        _, rest = unwrapped(bytes.fromhex(message["62"]), 16, 4)
        mak, rest = unwrapped(rest, 8, 4)
        need(rest == b"", "nothing behind the keys")
        return mak


class Iso93(Iso87):
    """ISO 8583:1993: packed digits with a zero before an odd number, text in EBCDIC; MAC X9.19 in 64 or 128; keys in 96."""

    MAC_LENGTH = 8
    KEY_FIELD = "96"
    # The length counts its own two bytes.
    LENGTH_COUNTS = 2

    def __init__(self):
        spec = {str(number): binary(0) for number in range(1, 193)}
        spec.update({"h": binary(0), "t": binary(2), "p": binary(8), "1": binary(8)})
        digits = {3: 6, 4: 12, 7: 10, 11: 6, 12: 12, 14: 4, 15: 6, 24: 3, 25: 4, 28: 6, 39: 3, 74: 10, 75: 10, 76: 10, 77: 10}
        digits.update({86: 16, 87: 16, 88: 16, 89: 16})
        spec.update({str(number): self.digits(length) for number, length in digits.items()})
        spec.update({"2": self.digits(19, 1), "32": self.digits(11, 1), "56": self.digits(35, 1)})
        characters = {22: 12, 37: 12, 38: 6, 41: 8, 42: 15, 49: 3, 50: 3, 97: 17}
        spec.update({str(number): dict(text(length), data_enc="cp037") for number, length in characters.items()})
        spec["48"] = dict(text(999, 2), data_enc="cp037")
        spec.update({"64": binary(8), "128": binary(8), "96": binary(999, 2)})
        for item in spec.values():
            item.setdefault("desc", "")
        self.spec = spec

    def digits(self, length, variable=0):
        spec = bcd(length, variable)
        if "right_pad" in spec:
            spec["left_pad"] = spec.pop("right_pad")
        return spec

    NO_MAC = "00" * 8

    def mac(self, mak, data):
        return mac.generate_retail_mac(mak[:8], mak[8:], bytes(data), 1)

    def mti(self, body):
        return body[:2].hex()

    def put_keys(self, message, mak):
        message["96"] = (wrapped(self.PIK, 3) + wrapped(mak, 3)).hex().upper()

    def take_keys(self, message):
        _, rest = unwrapped(bytes.fromhex(message["96"]), 16, 3)
        mak, rest = unwrapped(rest, 16, 3)
        need(rest == b"", "nothing behind the keys")
        return mak


class Line:
    """A connection in a dialect, with the MAC key of the moment."""

    def __init__(self, dialect, connection):
        self.dialect, self.connection, self.mak, self.envelope = dialect, connection, None, dialect.ENVELOPE

    def read(self):
        """The next message, and whether its MAC is right (or none is needed)."""
        length = int.from_bytes(read_exactly(self.connection, 2), "big") - self.dialect.LENGTH_COUNTS
        raw = read_exactly(self.connection, length)
        self.envelope, body = self.dialect.split(raw)
        mti = self.dialect.mti(body)
        message, _ = iso8583.decode(body, self.dialect.spec_for(mti))
        if not self.dialect.is_protected(mti):
            return message, True
        length = self.dialect.MAC_LENGTH
        right = self.mak is not None and body[-length:] == self.dialect.mac(self.mak, body[:-length])
        return message, right

    def write(self, message, envelope=None):
        spec = self.dialect.spec_for(message["t"])
        message = {key: value for key, value in message.items() if value is not None}
        if self.dialect.is_protected(message["t"]):
            message[self.dialect.mac_field(message)] = self.dialect.NO_MAC
            body, _ = iso8583.encode(message, spec)
            length = self.dialect.MAC_LENGTH
            body = bytes(body[:-length]) + self.dialect.mac(self.mak, body[:-length])
        else:
            body, _ = iso8583.encode(message, spec)
        raw = (self.dialect.ENVELOPE if envelope is None else envelope) + bytes(body)
        self.connection.sendall((len(raw) + self.dialect.LENGTH_COUNTS).to_bytes(2, "big") + raw)

    def answer(self, message):
        self.write(message, self.dialect.reply_envelope(self.envelope))


DIALECTS = {"iso87-ascii": Iso87, "cups-pos": Cups, "iso93-bcd": Iso93}
