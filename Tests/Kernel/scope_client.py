# SPDX-License-Identifier: Apache-2.0
"""What a program in an enforced scope tries: a list of [WAY, ARGUMENT...] on stdin, a list of answers on stdout.

An answer is "ok" or the name of the errno; a connection that is on its way is "ok". Run as a program of its own.
"""

import ctypes
import errno
import fcntl
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import dns_packets

MSG_FASTOPEN = 0x20000000
SCALE = max(1.0, float(os.environ.get("TRUSTRUN_TIME_SCALE", "1")))  # settings.py is not there for every client
LIBC = ctypes.CDLL(None, use_errno=True)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def name_of(number):
    return "ok" if number in (0, errno.EINPROGRESS) else errno.errorcode[number]


def tcp(address, port):
    """A connect() that does not wait."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.setblocking(False)
        return name_of(end.connect_ex((address, port)))


def tcp_waiting(address, port):
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.settimeout(None)
        return name_of(end.connect_ex((address, port)))


def tcp_from(source, address, port):
    """A connection whose socket was bound before."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.bind((source, 0))
        end.setblocking(False)
        return name_of(end.connect_ex((address, port)))


def exchange(address, port):
    """Sends a line over TCP and hands back the answer."""
    with socket.create_connection((address, port), 5) as end:
        end.sendall(b"hello\n")
        return end.recv(64).decode()


def keep_sending(address, port, seconds, pause):
    """A connection over which a line goes and comes again and again."""
    with socket.create_connection((address, port), 5) as end:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            end.sendall(b"x")
            end.recv(1)
            time.sleep(pause)
    return "ok"


def fastopen(address, port):
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.setblocking(False)
        try:
            end.sendto(b"secret", MSG_FASTOPEN, (address, port))
        except OSError as error:
            return name_of(error.errno)
        return "ok"


def says(address, port, *pieces, pause=0.0):
    """Sends pieces (hex) in segments of their own; the answer to them, or the errno."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.settimeout(5 * SCALE)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.connect((address, port))
        return _say(end, pieces, pause)


def _say(end, pieces, pause=0.0):
    for piece in pieces:
        end.sendall(bytes.fromhex(piece))
        if pause:
            time.sleep(pause)
    try:
        end.shutdown(socket.SHUT_WR)
    except OSError:  # it was ended in between, and this says so
        return name_of(end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    return end.recv(64).decode()


def says_and_leaves(address, port, piece, count):
    """Many connections at once, and the end of this process before anything can be answered."""
    ends = []
    for _ in range(count):
        ends.append(socket.create_connection((address, port), 5 * SCALE))
    for end in ends:
        end.send(bytes.fromhex(piece))
    os._exit(0)


def says_by_fast_open(address, port, piece):
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.sendto(bytes.fromhex(piece), MSG_FASTOPEN, (address, port))
        end.settimeout(5 * SCALE)
        return _say(end, [])


def says_from_a_file(address, port, piece):
    """By sendfile(2): the kernel sends the file's own pages."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end, tempfile.TemporaryFile() as file:
        file.write(bytes.fromhex(piece))
        file.flush()
        end.settimeout(5 * SCALE)
        end.connect((address, port))
        os.sendfile(end.fileno(), file.fileno(), 0, len(piece) // 2)
        return _say(end, [])


def says_twice(first, then, pieces):
    """One socket, connected to two addresses with AF_UNSPEC in between, an answer for each."""
    answers = []
    with socket.socket(family_of(first[0]), socket.SOCK_STREAM) as end:
        end.settimeout(5 * SCALE)
        for address, piece in zip((first, then), pieces):
            try:
                end.connect(tuple(address))
                answers.append(_say(end, [piece]))
            except OSError as error:
                answers.append(name_of(error.errno))
            _disconnect(end)
    return answers


def says_urgently(address, port, before, urgent, after):
    """With a byte out of band, which the peer does not read in its place."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as end:
        end.settimeout(5 * SCALE)
        end.connect((address, port))
        end.sendall(bytes.fromhex(before))
        end.send(bytes.fromhex(urgent), socket.MSG_OOB)
        return _say(end, [after])


def handshakes(address, port, name, count):
    """TLS connections one after another, each with a word and an answer; how many succeeded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    done = 0
    for _ in range(count):
        with socket.create_connection((address, port), 10 * SCALE) as end, context.wrap_socket(end, server_hostname=name) as stream:
            stream.sendall(b"x")
            done += stream.recv(64).startswith(b"HTTP")
    return done


def runs(*command):
    """A program's exit status and the end of its output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return [done.returncode, done.stdout[-200:] if done.returncode == 0 else (done.stderr or done.stdout)[-500:]]


def sendto(address, port, text="x"):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as end:
        end.sendto(text.encode(), (address, port))
        return "ok"


def sendto_many(first, count, port):
    """A datagram to each of so many addresses from the first on; how many were not permitted."""
    start, refused = int.from_bytes(socket.inet_aton(first), "big"), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        for number in range(start, start + count):
            try:
                end.sendto(b"x", (socket.inet_ntoa(number.to_bytes(4, "big")), port))
            except PermissionError:
                refused += 1
    return refused


def sendmsg(address, port):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as end:
        end.sendmsg([b"x"], [], 0, (address, port))
        return "ok"


def sendmsg_with(level, kind, value, address, port):
    """With ancillary data."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as end:
        end.sendmsg([b"x"], [(level, kind, bytes.fromhex(value))], 0, (address, port))
        return "ok"


def sendto_unspecified(address, port):
    """sendto() with AF_UNSPEC in an IPv4 address, which the kernel takes for AF_INET."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        to = struct.pack("=H", socket.AF_UNSPEC) + struct.pack("!H", port) + socket.inet_aton(address) + bytes(8)
        sent = LIBC.sendto(end.fileno(), b"x", 1, 0, to, len(to))
        return name_of(ctypes.get_errno()) if sent < 0 else "ok"


def connected(address, port):
    """connect() and send() of UDP, an answer for each."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as end:
        first = name_of(end.connect_ex((address, port)))
        try:
            end.send(b"x")
        except OSError as error:
            return [first, name_of(error.errno)]
        return [first, "ok"]


def _disconnect(end):
    LIBC.connect(end.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16)


def reconnect(kind, *destinations):
    """One socket, connected to each with AF_UNSPEC in between: the answers of connect(), and of send() for UDP."""
    answers = []
    kind = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    with socket.socket(family_of(destinations[0][0]), kind) as end:
        end.setblocking(False)
        for address, port in destinations:
            answer = name_of(end.connect_ex((address, port)))
            if kind == socket.SOCK_DGRAM and answer == "ok":
                end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # nobody listened to the datagram before
                try:
                    end.send(b"x")
                except OSError as error:
                    answer = name_of(error.errno)
            answers.append(answer)
            _disconnect(end)
    return answers


def connected_then_sendto(first, then):
    """connect() to one, sendto() to another."""
    with socket.socket(family_of(first[0]), socket.SOCK_DGRAM) as end:
        end.connect(tuple(first))
        end.sendto(b"x", tuple(then))
        return "ok"


def make_socket(family, kind, protocol):
    socket.socket(family, kind, protocol).close()
    return "ok"


def set_option(family, kind, level, option, value):
    with socket.socket(family, kind) as end:
        end.setsockopt(level, option, bytes.fromhex(value))
        return "ok"


def set_long_option(size):
    """An option that is longer than what such a hook gets to see: the kernel's own answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.setsockopt(socket.SOL_TCP, 14, bytes(size))  # TCP_MD5SIG
        return "ok"


def bind(kind, address, port):
    with socket.socket(family_of(address), kind) as end:
        end.bind((address, port))
        return "ok"


def in_thread(way, *arguments):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(attempt(way, *arguments)))
    thread.start()
    thread.join()
    return answers[0]


def _forked(function):
    """What the function answers in a fork of this process."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, json.dumps(function()).encode())
        os._exit(0)
    os.close(write)
    answer = b""
    while part := os.read(read, 65536):
        answer += part
    os.close(read)
    os.wait()
    return json.loads(answer)


def in_fork(way, *arguments):
    return _forked(lambda: attempt(way, *arguments))


def in_orphan(way, *arguments):
    """In a process of a session of its own whose parents are gone."""
    def leave():
        os.setsid()
        return _forked(lambda: attempt(way, *arguments))
    return _forked(leave)


def unshared(flags, way, *arguments):
    """In a fork with namespaces of its own, where it is root of a user namespace."""
    def enter():
        if LIBC.unshare(flags):
            return "unshare: " + name_of(ctypes.get_errno())
        return attempt(way, *arguments)
    return _forked(enter)


def leave(path):
    """Moves itself into another control group."""
    with open(path, "w") as file:
        file.write("0")
    return "ok"


def moves_with_a_socket(path, way, address):
    """What a socket that was made before answers in the other control group: it `connects` or `sends`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if way == "connects" else socket.SOCK_DGRAM) as end:
        leave(path)
        end.setblocking(False)
        if way == "connects":
            return name_of(end.connect_ex((address, 443)))
        end.sendto(b"x", (address, 99))
        return "ok"


def opens(path, mode):
    with open(path, mode, buffering=0):
        return "ok"


UNIX = {"stream": socket.SOCK_STREAM, "packets": socket.SOCK_SEQPACKET, "datagrams": socket.SOCK_DGRAM}


def serves_unix(kind, address):
    """A unix socket for as long as this process lives; `@` is the zero byte of an abstract one."""
    end = socket.socket(socket.AF_UNIX, UNIX[kind])
    end.bind(address.replace("@", "\0"))
    if address[0] == "/":
        os.chmod(address, 0o777)
    if kind != "datagrams":
        end.listen()
    KEPT[address] = end
    return "ok"


def asks_unix(kind, address, connects=True):
    with socket.socket(socket.AF_UNIX, UNIX[kind]) as end:
        if connects:
            end.connect(address.replace("@", "\0"))
        else:
            end.sendto(b"x", address.replace("@", "\0"))
        return "ok"


def controls(request):
    """ioctl(2), of /dev/null."""
    with open("/dev/null", "rb") as file:
        fcntl.ioctl(file, request, b"x")
    return "ok"


def serve(port, marker):
    """Listens, makes the file, and once it is gone tells who connected."""
    with socket.create_server(("0.0.0.0", port)) as listener:
        with open(marker, "w") as file:
            file.write("ready")
        listener.settimeout(0.1)
        peers = []
        while os.path.exists(marker):
            try:
                end, peer = listener.accept()
            except TimeoutError:
                continue
            end.sendall(b"served")
            end.close()
            peers.append(peer[0])
        return peers


def _dns_end(server, how, patience=0.5):
    end = socket.socket(family_of(server), socket.SOCK_STREAM if how == "tcp" else socket.SOCK_DGRAM)
    end.settimeout(patience * SCALE)
    if how != "sendto":
        end.connect((server, 53))
    return end


def _read_stream(end):
    def exactly(size):
        data = b""
        while len(data) < size:
            got = end.recv(size - len(data))
            if not got:
                raise EOFError
            data += got
        return data
    return exactly(struct.unpack("!H", exactly(2))[0])


def ask(name, kind, server, how, options):
    """One query, over UDP by "sendto" or "connected" or over "tcp"; the addresses in the first answer."""
    query = dns_packets.query(options.get("ident", 77), name, kind, options.get("edns", False))
    with _dns_end(server, how, options.get("patience", 0.5)) as end:
        try:
            if how == "tcp":
                end.sendall(struct.pack("!H", len(query)) + query)
                return dns_packets.read_addresses(_read_stream(end))
            end.sendto(query, (server, 53)) if how == "sendto" else end.send(query)
            return dns_packets.read_addresses(end.recv(8192))
        except TimeoutError:
            return "TimeoutError"


def ask_many(names, server):
    """Queries in one segment; the addresses of each answer."""
    queries = [dns_packets.query(number, name) for number, name in enumerate(names)]
    with _dns_end(server, "tcp") as end:
        end.sendall(b"".join(struct.pack("!H", len(query)) + query for query in queries))
        return [dns_packets.read_addresses(_read_stream(end)) for _ in queries]


def send_hex(text, server, how):
    """Bytes to a resolver's port."""
    with _dns_end(server, how) as end:
        end.sendto(bytes.fromhex(text), (server, 53)) if how == "sendto" else end.send(bytes.fromhex(text))
        return "ok"


def asks_then_sends(server, address, port, text):
    """A question, and bytes to somebody else from the same socket."""
    with _dns_end(server, "sendto") as end:
        end.sendto(dns_packets.query(77, "www.ok.test"), (server, 53))
        end.sendto(bytes.fromhex(text), (address, port))
        return "ok"


def segmented(texts, server):
    """Several datagrams by one send() (UDP_SEGMENT)."""
    with _dns_end(server, "connected") as end:
        end.setsockopt(socket.SOL_UDP if hasattr(socket, "SOL_UDP") else 17, 103, len(bytes.fromhex(texts[0])))
        end.send(b"".join(map(bytes.fromhex, texts)))
        return "ok"

KEPT = {}


def keep(key, kind, address, port):
    """A connected socket that stays."""
    KEPT[key] = end = socket.socket(family_of(address), kind)
    end.settimeout(5)
    return name_of(end.connect_ex((address, port)))


def keep_listener(key, port):
    KEPT[key] = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return "ok"


def keep_accepted(key, listener):
    KEPT[listener].settimeout(5)
    KEPT[key], peer = KEPT[listener].accept()
    KEPT[key].settimeout(5)
    return peer[0]


def say(key, text):
    """Sends on a kept socket; what comes back, or "closed"."""
    KEPT[key].sendall(text.encode())
    return KEPT[key].recv(64).decode() or "closed"


def touch(path):
    open(path, "w").close()


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


def remove(path):
    os.unlink(os.fsencode(path))
    return "ok"


def rename(path, to):
    os.rename(os.fsencode(path), os.fsencode(to))
    return "ok"


def _become(how, executable):
    """Executes another copy of Python with this client, in one of several ways."""
    path = os.fsencode(executable)
    arguments, environment = [path, os.fsencode(__file__)], {**os.environ, "PYTHONHOME": "/usr"}
    if how == "thread":
        thread = threading.Thread(target=os.execve, args=(path, arguments, environment))
        thread.start()
        thread.join()
    elif how == "memfd":
        memory = os.memfd_create("client")
        with open(path, "rb") as file:
            os.write(memory, file.read())
        os.execve(memory, arguments, environment)
    elif how.startswith("/"):  # from a mount of its own, there
        if LIBC.unshare(0x10000000 | 0x00020000) or LIBC.mount(os.path.dirname(path), os.fsencode(how), None, 4096, None):
            raise OSError(ctypes.get_errno(), "mount")
        path = os.fsencode(how) + b"/" + os.path.basename(path)
    elif how.startswith("deep "):  # whose path is too long for one call
        for part in how.split()[1:]:
            os.chdir(part)
        path = b"./" + os.path.basename(path)
    os.execve(path, arguments, environment)


def as_program(how, executable, *steps):
    """What another program gets for the steps: how it is executed, and from where."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(to_read, 0)
        os.dup2(from_write, 1)
        os.closerange(3, 64)
        try:
            _become(how, executable)
        finally:
            os._exit(1)
    os.close(to_read)
    os.close(from_write)
    with open(to_write, "w") as out, open(from_read) as answers:
        json.dump(steps, out)
        out.close()
        output = answers.read()
    status = os.waitpid(child, 0)[1]
    return json.loads(output) if output else f"status {status}"


def run(*command):
    """Another program in its place, with its output."""
    import subprocess
    done = subprocess.run(command, capture_output=True, text=True)
    return [done.returncode, done.stdout + done.stderr]


def attempt(way, *arguments):
    try:
        return globals()[way](*arguments)
    except OSError as error:
        return name_of(error.errno) if error.errno else repr(error)


if __name__ == "__main__":
    json.dump([attempt(*step) for step in json.load(sys.stdin)], sys.stdout)
