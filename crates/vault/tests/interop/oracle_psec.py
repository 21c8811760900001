"""Answers what psec gives. One question a line, its parts apart by spaces, bytes in hexadecimal digits; one answer a line."""

import secrets
import sys

from psec import aes, des, mac, pinblock, tr31


def bytes_of(text):
    return b"" if text == "-" else bytes.fromhex(text)


def cbc_mac(key, padding, data):
    return mac.generate_cbc_mac(bytes_of(key), bytes_of(data), int(padding)).hex()


def retail_mac(key, padding, data):
    key = bytes_of(key)
    return mac.generate_retail_mac(key[:8], key[8:], bytes_of(data), int(padding)).hex()


def tdes_check_value(key):
    return des.generate_kcv(bytes_of(key), 3).hex()


def pin_encrypt(form, key, pan, pin):
    key = bytes_of(key)
    if form == "4":
        return pinblock.encipher_pinblock_iso_4(key, pin, pan).hex()
    if form == "1":
        clear = bytes.fromhex("1%X%s%s" % (len(pin), pin, secrets.token_hex(8)[: 14 - len(pin)]))
    else:
        encode = {"0": pinblock.encode_pinblock_iso_0, "3": pinblock.encode_pinblock_iso_3}[form]
        clear = encode(pin, pan)
    return des.encrypt_tdes_ecb(key, clear).hex()


def pin_decrypt(form, key, pan, block):
    key, block = bytes_of(key), bytes_of(block)
    if form == "4":
        return pinblock.decipher_pinblock_iso_4(key, block, pan)
    clear = des.decrypt_tdes_ecb(key, block)
    if form == "1":
        return clear.hex()[2 : 2 + int(clear.hex()[1], 16)]
    decode = {"0": pinblock.decode_pinblock_iso_0, "3": pinblock.decode_pinblock_iso_3}[form]
    return decode(clear, pan)


def block_wrap(version, usage, algorithm, mode, protection, key, serial):
    header = tr31.Header(version, usage, algorithm, mode, "00", "E")
    if serial != "-":
        header.blocks["KS"] = serial
    return tr31.wrap(bytes_of(protection), header, bytes_of(key))


def block_unwrap(protection, block):
    header, key = tr31.unwrap(bytes_of(protection), block)
    said = header.version_id + header.key_usage + header.algorithm + header.mode_of_use + header.exportability
    return "%s %s %s" % (said, key.hex(), header.blocks.get("KS", "-"))


QUESTIONS = {
    question.__name__: question
    for question in (cbc_mac, retail_mac, tdes_check_value, pin_encrypt, pin_decrypt, block_wrap, block_unwrap)
}

for line in sys.stdin:
    name, *parts = line.split()
    try:
        answer = QUESTIONS[name](*parts)
    except Exception as error:  # The test says what it asked, and shows this.
        answer = "refused: %s" % error
    print(answer, flush=True)
