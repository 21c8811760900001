"""A bank for one connection, written with another library: the independent side of an interop test.

Usage: bank_pyiso8583.py DIALECT. Prints its port, then a line for each thing that it has understood and done.
"""

import socket
import sys

from dialects import DIALECTS, Line, need, say


class Bank:
    APPROVED, REVERSED = "00", "00"
    REVERSALS = ("0400", "0401")

    def __init__(self, dialect, line):
        self.dialect, self.line = dialect, line
        self.keys, self.batch, self.date = 0, 1, "1201"
        self.sales, self.undone = {}, set()

    def fresh_keys(self, answer):
        """Puts new keys into an answer. They count once it has been sent."""
        self.keys += 1
        mak = self.dialect.new_mak(self.keys)
        self.dialect.put_keys(answer, mak)
        return mak

    def totals(self):
        """Number and amount of sales, and of those that were reversed."""
        def count(stans):
            return len(stans), sum(int(self.sales[stan]) for stan in stans)

        return count(list(self.sales)), count(list(self.undone))

    def serve(self, message, authentic):
        need(authentic, f"the MAC of {message['t']}")
        kind = message["t"][1]
        if kind == "8":
            return self.network(message)
        answer = self.common(message)
        if kind == "3":
            return self.upload(message, answer)
        if kind == "5":
            return self.reconcile(message, answer)
        if message["t"][1:] == "200" and self.is_of_closed_batch(message):
            say("closed batch")
            answer["39"] = "77"
        elif message["t"][1:] == "200":
            self.sales[message["11"]] = message["4"]
            answer.update({"39": self.APPROVED, "38": "654321"})
            say("sale", *(message[key] for key in ("2", "4", "14", "48", "49")), self.name_of(message))
        else:
            need(message["t"] in self.REVERSALS, f"a message type {message['t']}")
            original = self.original(message)
            self.undone.add(original)
            answer["39"] = self.REVERSED
            say("reversal of", original, message["4"])
        self.line.answer(answer)
        return True


class Iso87Bank(Bank):
    ECHOED = ("2", "3", "4", "7", "11", "12", "13", "25", "32", "37", "41", "42", "49", "50", "90")

    def common(self, message):
        answer = {key: message[key] for key in self.ECHOED if key in message}
        answer.update({"t": message["t"][:2] + "10", "15": self.date})
        return answer

    def name_of(self, message):
        return message["37"]

    def original(self, message):
        return message["90"][4:10]

    def is_of_closed_batch(self, _message):
        return False

    def network(self, message):
        if message["t"] in ("0810", "0830"):
            need(message["39"] == "00", "the answer to the bank's own")
            say("answered", message["70"])
            return True
        answer = {key: message[key] for key in ("7", "11", "32", "41", "42", "70") if key in message}
        answer.update({"t": "0810", "39": "00", "15": self.date})
        mak = self.fresh_keys(answer) if message["70"] == "101" else None
        say({"001": "sign-on", "002": "sign-off", "101": "keys", "301": "echo"}[message["70"]])
        self.line.answer(answer)
        self.line.mak = mak or self.line.mak
        return message["70"] != "002"

    def reconcile(self, message, answer):
        (count, amount), (undone, undone_amount) = self.totals()
        own = {
            "74": 0, "75": 0, "76": count, "77": undone,
            "86": 0, "87": 0, "88": amount, "89": undone_amount,
        }
        own = {key: f"{value:0{10 if int(key) < 80 else 16}}" for key, value in own.items()}
        agrees = all(message[key] == value for key, value in own.items())
        need(message["97"] == f"D{amount - undone_amount:016}", "the net amount")
        answer.update(own, **{"39": "00", "66": "1" if agrees else "2"})
        say("totals", "in balance" if agrees else "out of balance")
        self.line.answer(answer)
        # The day is over, and the bank says so by itself; a new key comes with it.
        self.date = "1202"
        notice = {"7": "1202000001", "11": "000901"}
        self.line.write({**notice, "t": "0820", "15": self.date, "70": "201"})
        keys = {**notice, "t": "0800", "11": "000902", "70": "101"}
        mak = self.fresh_keys(keys)
        self.line.write(keys)
        self.line.mak = mak
        return True


class Iso93Bank(Bank):
    APPROVED, REVERSED = "000", "400"
    REVERSALS = ("1420", "1421")
    ECHOED = ("2", "3", "4", "7", "11", "12", "24", "32", "37", "41", "42", "49", "50", "56")

    def common(self, message):
        answer = {key: message[key] for key in self.ECHOED if key in message}
        answer.update({"t": f"{message['t'][:2]}{int(message['t'][2]) + 1}0", "15": f"26{self.date}"})
        return answer

    def name_of(self, message):
        return message["37"]

    def original(self, message):
        need(message["25"] == "4021", "the reason of a reversal after silence")
        return message["56"][4:10]

    def is_of_closed_batch(self, _message):
        return False

    def network(self, message):
        if message["t"] == "1814":
            need(message["39"] == "800", "the answer to the bank's own")
            say("answered", message["24"])
            return True
        answer = {key: message[key] for key in ("7", "11", "12", "24", "32", "41", "42") if key in message}
        answer.update({"t": "1814", "39": "800", "15": f"26{self.date}"})
        mak = self.fresh_keys(answer) if message["24"] == "811" else None
        say({"801": "sign-on", "802": "sign-off", "811": "keys", "831": "echo"}[message["24"]])
        self.line.answer(answer)
        self.line.mak = mak or self.line.mak
        return message["24"] != "802"

    def reconcile(self, message, answer):
        (count, amount), (undone, undone_amount) = self.totals()
        own = {
            "74": 0, "75": 0, "76": count, "77": undone,
            "86": 0, "87": 0, "88": amount, "89": undone_amount,
        }
        own = {key: f"{value:0{10 if int(key) < 80 else 16}}" for key, value in own.items()}
        agrees = all(message[key] == value for key, value in own.items())
        need(message["97"] == f"D{amount - undone_amount:016}", "the net amount")
        answer.update(own, **{"39": "500" if agrees else "501"})
        say("totals", "in balance" if agrees else "out of balance")
        self.line.answer(answer)
        # The day is over, and the bank says so by itself; a new key comes with it.
        self.date = "1202"
        notice = {"t": "1804", "7": "1202000001", "12": "261202000001"}
        self.line.write({**notice, "11": "000901", "24": "821", "28": f"26{self.date}"})
        keys = {**notice, "11": "000902", "24": "811"}
        mak = self.fresh_keys(keys)
        self.line.write(keys)
        self.line.mak = mak
        return True


class CupsBank(Bank):
    ECHOED = ("2", "3", "4", "11", "25", "41", "42", "49", "60")

    def common(self, message):
        answer = {key: message[key] for key in self.ECHOED if key in message}
        answer.update({"t": message["t"][:2] + "10", "12": "163000", "13": "1201", "37": "123456789012"})
        return answer

    def name_of(self, message):
        return message["60"][2:8]

    def original(self, message):
        return message["61"][6:12]

    def is_of_closed_batch(self, message):
        return int(message["60"][2:8]) != self.batch

    def network(self, message):
        code = message["60"][8:11]
        answer = {key: message[key] for key in ("11", "41", "42") if key in message}
        answer.update({"t": message["t"][:2] + "10" if message["t"] == "0800" else "0830", "39": "00"})
        answer["60"] = f"00{self.batch:06}{code}"
        mak = None
        if code == "003":
            answer.update({"12": "163000", "13": "1201"})
            mak = self.fresh_keys(answer)
            say("sign-on")
        say({"002": "sign-off", "003": "keys", "301": "echo"}[code])
        self.line.answer(answer)
        self.line.mak = mak or self.line.mak
        return code != "002"

    def upload(self, message, answer):
        need(message["t"] == "0320", "a batch upload")
        told = message["48"]
        if message["60"][8:] == "201":
            need(len(told) == 2 + 40 * int(told[:2]), "as many items as it says")
            for at in range(2, len(told), 40):
                say("item", told[at : at + 2], told[at + 2 : at + 8], told[at + 8 : at + 28], told[at + 28 : at + 40])
        else:
            say("end of upload", message["60"], told)
        answer.update({"t": "0330", "39": "00"})
        self.line.answer(answer)
        return True

    def reconcile(self, message, answer):
        (count, amount), (undone, undone_amount) = self.totals()
        own = f"{amount - undone_amount:012}{count - undone:03}{0:012}{0:03}"
        agrees = message["48"][:30] == own
        answer.update({"39": "00", "48": own + ("1" if agrees else "2") + "0" * 31})
        say("totals", "in balance" if agrees else "out of balance")
        self.line.answer(answer)
        # The batch is closed: the next one's number comes with a sign-on.
        self.batch += 1
        self.sales, self.undone = {}, set()
        return True


def main():
    name = sys.argv[1]
    dialect = DIALECTS[name]()
    listener = socket.create_server(("127.0.0.1", 0))
    say(listener.getsockname()[1])
    connection, _ = listener.accept()
    line = Line(dialect, connection)
    bank = {"iso87-ascii": Iso87Bank, "cups-pos": CupsBank, "iso93-bcd": Iso93Bank}[name](dialect, line)
    while bank.serve(*line.read()):
        pass
    # The other side closes once it has the answer to its sign-off.
    need(connection.recv(1) == b"", "nothing comes after the sign-off")
    say("closed")


main()
