"""A worker outside the Observatory that reports what it does: one artifact and its events. Python's own library alone.

    eval "$(npm run --silent observatory -- env)"           # sets OBSERVATORY_URL and OBSERVATORY_API_KEY
    python3 examples/outside-worker/worker.py EPISODE_ID

The events are dicts as the agents' code makes them with `event.model_dump(mode="json")`: `event_type`, `timestamp`,
`agent_id`, `episode_id`, `user_session_id`, and the event's own fields, either beside these or under `data`. `adapt`
turns one into an event of the catalogue; docs/events.md says what that is.
"""

import hashlib
import json
import math
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

PRODUCER = {"name": "outside-worker-example", "version": "1"}
EVENTS_PER_REQUEST_MAX = 100
TRIES_MAX = 5
# What every event of the agents' code has, beside the fields of its type.
BASE_FIELDS = {"event_type", "timestamp", "agent_id", "episode_id", "user_session_id", "data"}


def uuid7() -> str:
    """A new id whose order is that of time (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return str(uuid.UUID(int=value))


def adapt(event: dict, episode_id: str) -> dict:
    """An event of the agents' code as an event of the catalogue.

    Members that are None are left out: in the catalogue they are not there, and null is known only inside of what is open
    (`arguments`, `metadata`). Numbers that JSON has no words for (nan, inf) become attributes, as texts. The id is made here, once: keep
    the result and send that again when an answer was lost.
    """
    fields = event.get("data") or {name: value for name, value in event.items() if name not in BASE_FIELDS}
    payload = {
        name: _without_none(value) if name == "evidence_stats" else value
        for name, value in fields.items()
        if value is not None
    }
    attributes = {}
    for name, value in list(payload.items()):
        if isinstance(value, float) and not math.isfinite(value):
            attributes[name] = str(payload.pop(name))
    if event.get("user_session_id"):
        attributes["user_session_id"] = str(event["user_session_id"])
    return {
        "event_id": uuid7(),
        "type": event["event_type"],
        "v": 1,
        "occurred_at": event["timestamp"],
        "episode_id": episode_id,
        **({"agent": event["agent_id"]} if event.get("agent_id") else {}),
        "producer": PRODUCER,
        "payload": payload,
        **({"attributes": attributes} if attributes else {}),
    }


def _without_none(stats: dict) -> dict:
    return {name: value for name, value in stats.items() if value is not None}


class Observatory:
    """The two requests that a producer needs."""

    def __init__(self, url: str, key: str):
        self.url, self.key = url.rstrip("/"), key

    def put_artifact(self, content: bytes, media_type: str) -> str:
        """Stores a file under the hash of its bytes, once however often; returns the hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._send("PUT", f"/v1/artifacts/{sha256}", content, media_type)
        return sha256

    def post_events(self, episode_id: str, events: list[dict]) -> list[dict]:
        """Reports events; returns what became of each, in their order. Sent again, they are recorded once."""
        results: list[dict] = []
        for start in range(0, len(events), EVENTS_PER_REQUEST_MAX):
            body = json.dumps({"events": events[start : start + EVENTS_PER_REQUEST_MAX]}, allow_nan=False)
            answer = self._send("POST", f"/v1/episodes/{episode_id}/events", body.encode(), "application/json")
            results += answer["items"]
        return results

    def _send(self, method: str, path: str, body: bytes, media_type: str) -> dict:
        headers = {"authorization": f"Bearer {self.key}", "content-type": media_type}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        for tries in range(1, TRIES_MAX + 1):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 422:  # some events are wrong, the others are recorded: `items` says which
                    return json.load(error)
                if error.code not in (429, 503, 504) or tries == TRIES_MAX:
                    raise
                time.sleep(min(float(error.headers.get("retry-after", 1)), 30))
            except urllib.error.URLError:  # no answer: it may have arrived or not, and sending it again is safe
                if tries == TRIES_MAX:
                    raise
                time.sleep(tries)
        raise AssertionError("not reached")


def work() -> tuple[bytes, list[dict]]:
    """What a worker would do: it checks a part and simulates, and tells of it as the agents' code does."""
    report = b'{"success": false, "failure_reason": "OUT_OF_BOUNDS"}\n'
    base = {"timestamp": "2026-01-31T13:00:00.250+01:00", "agent_id": "engineer_coder", "user_session_id": None}
    flat = [
        {"event_type": "tool_invocation", "tool_name": "simulate", "arguments": {"scene": "/scene.xml", "seed": None}},
        {"event_type": "run_command_tool", "command": "printf 'a\0b'"},
        {"event_type": "simulation_instability", "instability_type": "nan", "part_ids": ["arm"], "value": math.nan, "message": None},
        {
            "event_type": "review_decision",
            "decision": "REJECTED",
            "reason": "It leaves the bounds.",
            "review_id": None,
            "evidence_stats": {
                "has_sim_report": True,
                "has_mfg_report": False,
                "num_renders": 0,
                "simulations_run": 1,
                "review_decision_path": None,
                "review_comments_path": None,
            },
            "checklist": {},
        },
    ]
    nested = {
        "event_type": "simulation_result",
        "data": {
            "success": False,
            "failure_reason": "OUT_OF_BOUNDS",
            "failure": None,
            "time_elapsed_s": 2.5,
            "compute_time_ms": 812.0,
            "simulation_run_id": None,
            "metadata": {"report_sha256": hashlib.sha256(report).hexdigest()},
        },
    }
    return report, [{**base, **event} for event in [*flat, nested]]


def main() -> int:
    url, key = os.environ.get("OBSERVATORY_URL"), os.environ.get("OBSERVATORY_API_KEY")
    if len(sys.argv) != 2 or not url or not key:
        print(__doc__, file=sys.stderr)
        return 2
    episode_id = sys.argv[1]
    observatory = Observatory(url, key)
    report, events = work()
    sha256 = observatory.put_artifact(report, "application/json")
    adapted = [adapt(event, episode_id) for event in events]
    first = observatory.post_events(episode_id, adapted)
    again = observatory.post_events(episode_id, adapted)  # as after a lost answer
    print(json.dumps({"artifact": sha256, "first": first, "again": again}))
    return 0 if all(result["status"] == 201 for result in first) else 1


if __name__ == "__main__":
    sys.exit(main())
