import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mlflow_genie_plugin.clock import SYSTEM_CLOCK
from mlflow_genie_plugin.errors import UnwritableFileError
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.throttle import MARGIN_SECONDS, Throttle


def of_quota(settings, quota):
    return replace(settings, questions_per_minute=quota)


def most_in_any_window(moments, window=60.0):
    return max(sum(1 for other in moments if 0 <= other - moment < window) for moment in moments)


def test_without_quota_nobody_waits(settings, clock):
    throttle = Throttle("host", settings, clock)
    assert [throttle.acquire() for _ in range(50)] == [0.0] * 50
    assert clock.slept == []


def test_the_quota_goes_out_at_once_and_the_next_waits_for_the_window(settings, clock):
    throttle = Throttle("host", of_quota(settings, 5), clock)
    assert [throttle.acquire() for _ in range(5)] == [0.0] * 5
    assert throttle.acquire() == pytest.approx(60 + MARGIN_SECONDS)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quota=st.sampled_from([0.5, 1, 2.5, 5, 20]),
    pauses=st.lists(st.floats(0, 40), min_size=8, max_size=30),
)
def test_no_window_of_sixty_seconds_ever_holds_more_than_the_quota(tmp_path_factory, clock, quota, pauses):
    folder = tmp_path_factory.mktemp("state")
    # Two instances on one folder, as two processes would be.
    throttles = [Throttle("host", Settings(questions_per_minute=quota, state_dir=folder), clock) for _ in range(2)]
    granted = []
    for index, pause in enumerate(pauses):
        clock.sleep(pause)
        throttles[index % 2].acquire()
        granted.append(clock.monotonic())
    assert most_in_any_window(granted) <= max(quota, 1)
    if quota < 1:
        assert most_in_any_window(granted, 60 / quota) == 1


def test_the_schedule_is_within_five_percent_of_the_ideal_one(settings, clock):
    throttle = Throttle("host", of_quota(settings, 5), clock)
    begin = clock.monotonic()
    for _ in range(61):
        throttle.acquire()
    assert clock.monotonic() - begin <= 1.05 * 60 * 12  # the 61st question belongs to the thirteenth minute


def test_a_pause_asked_for_holds_everybody_even_without_a_quota(settings, clock):
    Throttle("host", settings, clock).penalise(30)
    assert Throttle("host", settings, clock).acquire() == pytest.approx(30)
    assert Throttle("host", settings, clock).acquire() == 0


def test_a_shorter_pause_never_shortens_a_longer_one(settings, clock):
    throttle = Throttle("host", settings, clock)
    throttle.penalise(30)
    throttle.penalise(5)
    assert throttle.acquire() == pytest.approx(30)


def test_workspaces_do_not_hold_each_other_up(settings, clock):
    limited = of_quota(settings, 1)
    Throttle("one", limited, clock).acquire()
    assert Throttle("two", limited, clock).acquire() == 0


def test_waiting_is_reported_with_the_seconds_left(settings, clock):
    throttle = Throttle("host", of_quota(settings, 1), clock)
    throttle.acquire()
    told = []
    throttle.acquire(told.append)
    assert told[0] == pytest.approx(60 + MARGIN_SECONDS)
    assert told == sorted(told, reverse=True)
    assert len(told) >= 60


def test_times_from_before_a_restart_cost_at_most_one_window(settings, clock):
    limited = of_quota(settings, 2)
    throttle = Throttle("host", limited, clock)
    throttle.acquire()
    throttle.acquire()
    throttle.penalise(20)
    clock.seconds = 5.0  # the monotonic clock begins anew
    assert Throttle("host", limited, clock).acquire() <= 60 + MARGIN_SECONDS


@pytest.mark.parametrize("content", ["", "{", "[]", '{"granted": [1]}', '{"granted": "x", "blocked_at": 0}'])
def test_a_damaged_file_counts_as_a_used_quota(settings, clock, content):
    limited = of_quota(settings, 3)
    throttle = Throttle("host", limited, clock)
    throttle.acquire()
    next(limited.state_dir.glob("*.json")).write_text(content)
    assert throttle.acquire() == pytest.approx(60 + MARGIN_SECONDS)


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(settings, clock, tmp_path):
    (tmp_path / "file").write_text("")
    throttle = Throttle("host", replace(settings, questions_per_minute=5, state_dir=tmp_path / "file" / "state"), clock)
    with pytest.raises(UnwritableFileError, match="GENIE_STATE_DIR"):
        throttle.acquire()


class LastReading:
    """The clock of this machine, which remembers what it said last: under the lock, the moment of the grant."""

    now = SYSTEM_CLOCK.now
    sleep = SYSTEM_CLOCK.sleep

    def monotonic(self):
        self.last = SYSTEM_CLOCK.monotonic()
        return self.last


def _take(folder, count, moments):
    clock = LastReading()
    throttle = Throttle("host", Settings(questions_per_minute=6, state_dir=folder), clock, window_seconds=1.0)
    for _ in range(count):
        throttle.acquire()
        moments.put(clock.last)


def test_processes_share_one_quota(tmp_path):
    context = multiprocessing.get_context("fork")
    moments = context.Queue()
    workers = [context.Process(target=_take, args=(tmp_path, 6, moments)) for _ in range(3)]
    for worker in workers:
        worker.start()
    granted = sorted(moments.get(timeout=60) for _ in range(18))
    for worker in workers:
        worker.join(timeout=10)
    assert most_in_any_window(granted, window=1.0) <= 6


def _hold(folder, ready):
    throttle = Throttle("host", Settings(questions_per_minute=2, state_dir=folder), SYSTEM_CLOCK)
    with throttle._locked():
        ready.set()
        time.sleep(60)


def test_a_killed_holder_of_the_lock_blocks_nobody(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready))
    holder.start()
    assert ready.wait(60)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(timeout=10)
    begin = time.monotonic()
    Throttle("host", Settings(questions_per_minute=2, state_dir=tmp_path), SYSTEM_CLOCK).acquire()
    assert time.monotonic() - begin < 45  # the lock was to be held for 60


def test_the_file_holds_times_and_nothing_about_the_workspace(settings, clock):
    limited = of_quota(settings, 5)
    Throttle("0123456789ab", limited, clock).acquire()
    document = json.loads(next(limited.state_dir.glob("*.json")).read_bytes())
    assert set(document) == {"format_version", "granted", "blocked_at", "blocked_seconds"}
