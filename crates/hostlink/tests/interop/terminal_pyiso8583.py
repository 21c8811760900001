"""A terminal written with another library, which holds the whole dialogue with a bank of ours.

Usage: terminal_pyiso8583.py DIALECT PORT. Prints a line for each step; ends with a complaint at the first thing that is
not as it should be. Before the cut-over it prints "ready" and waits for a line on its standard input.
"""

import socket
import sys

from dialects import DIALECTS, Line, need, say, shown

PAN, ACCEPTOR = "4242424242424242", "104110045110012"


class Terminal:
    APPROVED = ("00",)
    ECHO, SIGN_OFF = "301", "002"

    def __init__(self, dialect, line):
        self.dialect, self.line, self.stan, self.batch = dialect, line, 0, "000000"

    def next_stan(self):
        self.stan += 1
        return f"{self.stan:06}"

    def ask(self, message):
        """Sends a request; its answer is the next message that is one."""
        self.line.write(message)
        while True:
            answer, authentic = self.line.read()
            need(authentic, f"the MAC of {shown(answer)}")
            if answer["t"][2] in "13":
                break
            self.obey(answer)
        for key in ("11", "41"):
            need(answer.get(key, message.get(key)) == message.get(key), f"field {key} of {shown(answer)}")
        return answer

    def approved(self, message, what):
        answer = self.ask(message)
        need(answer["39"] in self.APPROVED, f"{what} is approved, but {shown(answer)}")
        say(what)
        return answer

    def dialogue(self):
        self.sign_on()
        self.approved(self.network(self.ECHO), "echo")
        self.exchange_keys()
        sale = self.sale("000000001250")
        self.approved(sale, "sale")
        undone = self.sale("000000000300")
        self.approved(undone, "sale")
        self.approved(self.reversal(undone), "reversal")
        self.approved(self.reversal(undone, repeat=True), "reversal repeat")
        need(self.in_balance(self.approved(self.totals(2, 1550, 1, 300), "totals")), "the totals agree")
        need(not self.in_balance(self.approved(self.totals(1, 1250, 0, 0, wrong=True), "totals")), "the totals differ")
        self.after_difference(sale)
        say("ready")
        sys.stdin.readline()
        self.after_cut_over()
        self.approved(self.network(self.SIGN_OFF), "sign-off")


    def after_difference(self, sale):
        """What some dialects do about totals that differ."""


class Iso87Terminal(Terminal):
    def base(self, mti):
        return {
            "t": mti, "7": "1201083000", "11": self.next_stan(), "32": "00000412345",
            "41": "TERM0009", "42": ACCEPTOR,
        }

    def network(self, code):
        return {**self.base("0800"), "70": code}

    def sign_on(self):
        answer = self.approved(self.network("001"), "sign-on")
        need(answer["15"] == "1201", "the accounting date")

    def exchange_keys(self):
        for _ in range(2):
            answer = self.approved(self.network("101"), "keys")
            self.line.mak = self.dialect.take_keys(answer)

    def sale(self, amount):
        return {
            **self.base("0200"), "2": PAN, "3": "000000", "4": amount, "12": "083000", "13": "1201", "14": "3012",
            "22": "012", "25": "59", "37": f"633508{self.stan:06}", "48": "CV03123", "49": "978",
        }

    def reversal(self, sale, repeat=False):
        undo = {key: sale[key] for key in ("2", "3", "4", "7", "12", "13", "14", "22", "25", "32", "37", "41", "42", "49")}
        number = self.undoing if repeat else self.next_stan()
        self.undoing = number
        original = f"0200{sale['11']}{sale['7']}00000412345{'0' * 11}"
        return {**undo, "t": "0401" if repeat else "0400", "11": number, "39": "98", "90": original}

    def totals(self, count, amount, undone, undone_amount, wrong=False):
        return {
            **self.base("0500"), "50": "978", "74": f"{0:010}", "75": f"{0:010}", "76": f"{count:010}",
            "77": f"{undone:010}", "86": f"{0:016}", "87": f"{0:016}", "88": f"{amount:016}",
            "89": f"{undone_amount:016}", "97": f"D{amount - undone_amount:016}",
        }

    def in_balance(self, answer):
        return answer["66"] == "1"

    def obey(self, message):
        need((message["t"], message["70"], message["15"]) == ("0820", "201", "1202"), f"a cut-over, but {shown(message)}")
        answer = {key: message[key] for key in ("7", "11", "70")}
        self.line.answer({**answer, "t": "0830", "39": "00"})
        say("cut-over")

    def after_cut_over(self):
        # The notice is the next message, and the sale behind it belongs to the new day.
        answer = self.approved(self.sale("000000000700"), "sale")
        need(answer["15"] == "1202", "the sale is of the new day")
        need(self.in_balance(self.approved(self.totals(1, 700, 0, 0), "totals")), "the new day starts from zero")


class Iso93Terminal(Iso87Terminal):
    # Done, reversed, in or out of balance, and accepted by the network: the field above it says which was asked.
    APPROVED = ("000", "400", "500", "501", "800")
    ECHO, SIGN_OFF = "831", "802"

    def base(self, mti):
        return {
            "t": mti, "7": "1201083000", "11": self.next_stan(), "12": "261201083000", "32": "412345",
            "41": "TERM0009", "42": ACCEPTOR,
        }

    def network(self, code):
        return {**self.base("1804"), "24": code}

    def sign_on(self):
        answer = self.approved(self.network("801"), "sign-on")
        need(answer["15"] == "261201", "the accounting date")

    def exchange_keys(self):
        for _ in range(2):
            answer = self.approved(self.network("811"), "keys")
            self.line.mak = self.dialect.take_keys(answer)

    def sale(self, amount):
        return {
            **self.base("1200"), "2": PAN, "3": "000000", "4": amount, "14": "3012", "22": "100050S00000", "24": "200",
            "37": f"633508{self.stan:06}", "48": "CV03123", "49": "826",
        }

    def reversal(self, sale, repeat=False):
        undo = {key: sale[key] for key in ("2", "3", "4", "7", "12", "14", "22", "32", "37", "41", "42", "49")}
        number = self.undoing if repeat else self.next_stan()
        self.undoing = number
        original = f"1200{sale['11']}{sale['12']}06412345"
        return {**undo, "t": "1421" if repeat else "1420", "11": number, "24": "400", "25": "4021", "56": original}

    def totals(self, *claimed, wrong=False):
        message = super().totals(*claimed, wrong=wrong)
        return {**message, "t": "1520", "24": "500", "50": "826"}

    def in_balance(self, answer):
        return answer["39"] == "500"

    def obey(self, message):
        need((message["t"], message["24"], message["28"]) == ("1804", "821", "261202"), f"a cut-over, but {shown(message)}")
        answer = {key: message[key] for key in ("7", "11", "12", "24")}
        self.line.answer({**answer, "t": "1814", "39": "800"})
        say("cut-over")

    def after_cut_over(self):
        answer = self.approved(self.sale("000000000700"), "sale")
        need(answer["15"] == "261202", "the sale is of the new day")
        need(self.in_balance(self.approved(self.totals(1, 700, 0, 0), "totals")), "the new day starts from zero")


class CupsTerminal(Terminal):
    def base(self, mti):
        return {"t": mti, "11": self.next_stan(), "41": "TERM0009", "42": ACCEPTOR}

    def network(self, code):
        return {**self.base("0820"), "60": f"00{self.batch}{code}"}

    def sign_on(self):
        answer = self.approved({**self.base("0800"), "60": f"00{self.batch}003", "63": "000"}, "sign-on")
        self.batch = answer["60"][2:8]
        self.line.mak = self.dialect.take_keys(answer)

    def exchange_keys(self):
        self.sign_on()

    def sale(self, amount):
        return {
            **self.base("0200"), "2": PAN, "3": "000000", "4": amount, "14": "3012", "22": "012", "25": "00",
            "48": "CV03123", "49": "156", "60": f"22{self.batch}000",
        }

    def reversal(self, sale, repeat=False):
        undo = {key: value for key, value in sale.items() if key not in ("48", "64")}
        return {
            **undo, "t": "0401" if repeat else "0400", "39": "98", "61": f"{self.batch}{sale['11']}1201",
        }

    def totals(self, count, amount, undone, undone_amount, wrong=False):
        standing = f"{amount - undone_amount:012}{count - undone - (1 if wrong else 0):03}"
        return {
            **self.base("0500"), "48": standing + "0" * 47, "49": "156", "60": f"00{self.batch}201", "63": "000",
        }

    def in_balance(self, answer):
        return answer["48"][30] == "1"

    def after_difference(self, sale):
        item = f"00{sale['11']}{PAN:0>20}{sale['4']}"
        self.approved({**self.base("0320"), "48": "01" + item, "60": f"00{self.batch}201"}, "upload")
        answer = self.ask({**self.base("0320"), "48": "0001", "60": f"00{self.batch}207"})
        need(answer["39"] == "95", f"one sale is the terminal's mistake, but {shown(answer)}")
        need(answer["48"] == "0001", "the number of items that the bank was told")
        say("still differs")

    def obey(self, message):
        need(False, f"a centre does not call terminals, but {shown(message)}")

    def after_cut_over(self):
        answer = self.ask(self.sale("000000000700"))
        need(answer["39"] == "77", f"the batch is closed, but {shown(answer)}")
        say("closed batch")
        self.sign_on()
        need(self.batch == "000002", "the new batch")
        self.approved(self.sale("000000000700"), "sale")
        need(self.in_balance(self.approved(self.totals(1, 700, 0, 0), "totals")), "the new batch starts from zero")


def main():
    name, port = sys.argv[1], int(sys.argv[2])
    dialect = DIALECTS[name]()
    line = Line(dialect, socket.create_connection(("127.0.0.1", port)))
    {"iso87-ascii": Iso87Terminal, "cups-pos": CupsTerminal, "iso93-bcd": Iso93Terminal}[name](dialect, line).dialogue()


main()
