#!/usr/bin/python3
"""Usage: pty.py TRANSCRIPT [SIZE] [STEP...] -- COMMAND...

Runs a command on a terminal of its own, as a user would. All that it writes goes to the file
TRANSCRIPT, and to TRANSCRIPT.screen what the user sees in the end, with the lines that have scrolled
away. SIZE is ROWSxCOLUMNS (24x80). The steps are taken in order:

    expect=REGEX   wait until the output since the step before matches
    send=TEXT      type it (\\r, \\x03 and so on are understood)
    resize=SIZE    the window has another size
    screen=FILE    keep the screen as it is now

The exit code is the command's, 128 and the signal's number if one killed it, or 97 if what is expected
does not come within 20 seconds.
"""
import codecs
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 20


class Screen:
    """As much of a terminal as envrun asks for."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines, self.top = [""], 0
        self.row = self.column = 0
        self.rest = ""
        self.unseen = ""  # what was written, without escape sequences

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        while text:
            sequence = re.match(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()].|\x1b[=>78cM]", text)
            if sequence:
                self.control(sequence[1] or "", sequence[2] or "")
                text = text[sequence.end():]
            elif text[0] == "\x1b" and len(text) < 16:
                self.rest = text
                return
            else:
                self.put(text[0])
                text = text[1:]

    def control(self, numbers, letter):
        number = int(numbers) if numbers.isdigit() else 0
        if letter == "A":
            self.row = max(self.top, self.row - (number or 1))
        elif letter == "B":
            self.row = min(self.top + self.rows - 1, self.row + (number or 1))
        elif letter == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J":
            del self.lines[self.row + 1:]
            self.lines[self.row] = self.lines[self.row][:self.column]

    def put(self, character):
        self.unseen += character
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        elif character >= " ":
            if self.column >= self.columns:
                self.column = 0
                self.down()
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1

    def down(self):
        self.row += 1
        while len(self.lines) <= self.row:
            self.lines.append("")
        self.top = max(self.top, self.row - self.rows + 1)

    def text(self):
        return "".join(line.rstrip() + "\n" for line in self.lines)


class Session:
    def __init__(self, transcript, rows, columns, command):
        self.pid, self.master = os.forkpty()
        if not self.pid:
            self.become(rows, columns, command)
        self.file = open(transcript, "wb")
        self.screen = Screen(rows, columns)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.ended = False

    @staticmethod
    def become(rows, columns, command):
        resize(0, rows, columns)
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)

    def read(self, seconds):
        """Takes in what comes within that time; False once there is no more."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready or self.ended:
            return not self.ended
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.ended = not data
        self.file.write(data)
        self.file.flush()
        self.screen.feed(self.decoder.decode(data))
        return not self.ended

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, self.screen.unseen)
            if found:
                self.screen.unseen = self.screen.unseen[found.end():]
                return
            if self.ended:
                break
            self.read(0.1)
        print(f"pty.py: {pattern!r} did not come; the screen:\n{self.screen.text()}", file=sys.stderr)
        os.killpg(self.pid, signal.SIGTERM)
        self.finish()
        sys.exit(97)

    def step(self, name, value):
        if name == "expect":
            self.expect(value)
        elif name == "send":
            os.write(self.master, value.encode().decode("unicode_escape").encode())
        elif name == "resize":
            rows, columns = size(value)
            self.screen.rows, self.screen.columns = rows, columns
            resize(self.master, rows, columns)
        elif name == "screen":
            with open(value, "w") as file:
                file.write(self.screen.text())
        else:
            sys.exit(f"pty.py: unknown step {name}")

    def finish(self):
        while self.read(60):
            pass
        with open(self.file.name + ".screen", "w") as file:
            file.write(self.screen.text())
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def size(text):
    rows, columns = text.split("x")
    return int(rows), int(columns)


def resize(descriptor, rows, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    split = sys.argv.index("--")
    transcript, *steps = sys.argv[1:split]
    rows, columns = size(steps.pop(0)) if steps and "=" not in steps[0] else (24, 80)
    session = Session(transcript, rows, columns, sys.argv[split + 1:])
    for step in steps:
        session.step(*step.split("=", 1))
    sys.exit(session.finish())


main()
