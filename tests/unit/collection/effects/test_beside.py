"""What is asked beside other work."""

from __future__ import annotations

import threading

from ansible_collections.daypass.ssh.plugins.module_utils.effects import beside as module
from ansible_collections.daypass.ssh.plugins.module_utils.effects.beside import Beside


def test_answer_is_waited_for_while_another_thread_begins(monkeypatch):
    """Who waits isn't told that there is nothing to wait for, because somebody else just begins."""
    beginning, go, told = threading.Event(), threading.Event(), []
    beside = Beside(lambda: 7)
    start = module.start_new_thread

    def slow(*more: object) -> None:
        beginning.set()
        go.wait()
        start(*more)

    monkeypatch.setattr(module, "start_new_thread", slow)
    threads = [threading.Thread(target=act) for act in (beside.begin, lambda: told.append(beside.wait()))]
    threads[0].start()
    beginning.wait()
    threads[1].start()
    threads[1].join(0.05)  # time to do it wrong
    go.set()
    for thread in threads:
        thread.join()
    assert told == [7]


def test_without_a_thread_it_is_asked_all_the_same(monkeypatch):
    """A host without room for another thread still gets an answer, in its turn."""
    beside = Beside(lambda: 7)

    def none_left(*_more: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "start_new_thread", none_left)
    assert (beside.wait(), beside.wait()) == (7, 7)
