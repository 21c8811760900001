"""A bank for one connection, written with pyiso8583 (codec) and psec (DES): the independent side of an interop test.

Prints its port, then signs a link on, gives it a MAC key, and approves one sale whose MAC it has checked.
"""

import copy
import socket
import sys

import iso8583
from iso8583.specs import default_ascii
from psec import des, mac

TMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
MAK = bytes.fromhex("1C2516735B8304152A3BC4D5E6F70819")

SPEC = copy.deepcopy(default_ascii)
# Binary fields travel as hexadecimal digits, two a byte.
for number in ("64", "128"):
    SPEC[number].update(data_enc="ascii", len_type=0, max_len=16)
SPEC["123"].update(data_enc="ascii", len_enc="ascii", len_type=3, max_len=999)
SPEC["48"].update(data_enc="ascii", len_enc="ascii", len_type=3, max_len=999)


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            sys.exit(0)
        data += chunk
    return data


def read_message(connection):
    raw = read_exactly(connection, int.from_bytes(read_exactly(connection, 2), "big"))
    decoded, _ = iso8583.decode(raw, SPEC)
    return raw, decoded


def write_message(connection, message, sign):
    if sign:
        number = "128" if any(key.isdigit() and int(key) > 64 for key in message) else "64"
        message[number] = "0" * 16
        raw, _ = iso8583.encode(message, SPEC)
        code = mac.generate_retail_mac(MAK[:8], MAK[8:], bytes(raw[:-16]), 1)
        raw = raw[:-16] + code.hex().upper().encode()
    else:
        raw, _ = iso8583.encode(message, SPEC)
    connection.sendall(len(raw).to_bytes(2, "big") + raw)


def network(request):
    answer = {key: request[key] for key in ("7", "11", "32", "41", "42", "70") if key in request}
    answer.update({"t": "0810", "39": "00", "15": "1201"})
    if request["70"] == "101":
        wrapped = des.encrypt_tdes_ecb(TMK, MAK)
        check_value = des.encrypt_tdes_ecb(MAK, bytes(8))[:3]
        answer["123"] = (wrapped + check_value).hex().upper()
    return answer


def sale(raw, request):
    code = mac.generate_retail_mac(MAK[:8], MAK[8:], raw[:-16], 1)
    answer = {key: request[key] for key in ("2", "3", "4", "7", "11", "12", "13", "25", "32", "37", "41", "42", "49")}
    answer["t"] = "0210"
    if raw[-16:] != code.hex().upper().encode():
        answer["39"] = "A0"
        return answer
    print(request["2"], request["4"], request["14"], request["48"], request["49"], request["37"], flush=True)
    answer.update({"39": "00", "38": "654321"})
    return answer


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    while True:
        raw, request = read_message(connection)
        if request["t"] == "0800":
            write_message(connection, network(request), sign=False)
        else:
            write_message(connection, sale(raw, request), sign=True)


main()
