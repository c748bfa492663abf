"""Runs in forked processes, so that a crash or an endless loop is one more finding."""
import json
import os
import select
import signal
import traceback

import torch


def _isolated(run, seconds, options):
    """Starts it; returns (pid, file descriptor of the answer)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    try:
        torch.set_num_threads(1)
        try:
            answer = run(**options)
        except Exception as error:
            answer = [("harness", "", "harness", f"{type(error).__name__}: {error} {traceback.format_exc().splitlines()[-3:]}")], 0
        text = json.dumps(answer).encode()
        while text:
            text = text[os.write(writer, text):]
    finally:
        os._exit(0)


def run_all(runs, jobs=1, seconds=120, **options):
    """Yields (name, findings, number of samples) as they come, of a dict of functions."""
    waiting, running = list(runs.items()), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            name, run = waiting.pop(0)
            pid, reader = _isolated(run, seconds, options)
            running[reader] = (name, pid, [])
        for reader in select.select(list(running), [], [])[0]:
            chunk = os.read(reader, 1 << 16)
            name, pid, chunks = running[reader]
            if chunk:
                chunks.append(chunk)
                continue
            status = os.waitpid(pid, 0)[1]
            os.close(reader)
            del running[reader]
            if status or not chunks:
                why = os.waitstatus_to_exitcode(status)
                yield name, [["process", "", "timeout" if why == -signal.SIGALRM else "crash", f"exit code {why}"]], 0
            else:
                yield name, *json.loads(b"".join(chunks))
