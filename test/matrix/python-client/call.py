"""Imports every module of the generated client and calls the API with it; prints what came back as one JSON object."""

import importlib
import io
import json
import os
import pathlib
import pkgutil
import sys
import time

import generated
from generated import AuthenticatedClient
from generated.api.artifacts import get_artifact_content, put_artifact
from generated.api.episodes import get_episode, list_episodes, start_episode
from generated.api.events import list_events, post_events
from generated.api.steps import list_steps
from generated.models import JsonObject, NewEpisode, NewEpisodeInputsItem, Problem
from generated.types import File

modules = [module.name for module in pkgutil.walk_packages(generated.__path__, "generated.")]
for name in modules:
    importlib.import_module(name)

FINAL = ("completed", "failed", "cancelled", "stopped")
# Any status that the document does not declare is an exception.
client = AuthenticatedClient(
    base_url=os.environ["OBSERVATORY_URL"], token=os.environ["OBSERVATORY_API_KEY"], raise_on_unexpected_status=True
)

transcript = pathlib.Path(sys.argv[1]).read_bytes()
sha256 = sys.argv[2]
put_artifact.sync(sha256, client=client, body=File(payload=io.BytesIO(transcript)))
metadata = {"nested": [{"deep": [None, 1, "two", {"three": True}]}], "null": None}
episode = start_episode.sync(
    client=client,
    body=NewEpisode(
        task="called by a generated client",
        agent="single_engineer",
        model="scripted:transcript",
        inputs=[NewEpisodeInputsItem(path="/transcript.json", sha256=sha256)],
        metadata=JsonObject.from_dict(metadata),
    ),
)
assert not isinstance(episode, Problem), episode
until = time.monotonic() + 120
while (shown := get_episode.sync(episode.id, client=client)).status not in FINAL:
    assert time.monotonic() < until, shown
    time.sleep(0.2)
steps = list_steps.sync(episode.id, client=client)
events = list_events.sync(episode.id, client=client)
unknown = get_episode.sync("0198c0de-7000-7000-8000-000000000000", client=client)
content = get_artifact_content.sync(sha256, client=client)
print(
    json.dumps(
        {
            "modules": len(modules),
            "ended": shown.terminal_reason,
            "metadata": shown.metadata.to_dict() == metadata,
            "steps": [step.name for step in steps.items],
            "call": next(step.input_ for step in steps.items if step.name == "write_file"),
            "events": sorted({event.type_ for event in events.items}),
            "listed": str(episode.id) in [str(one.id) for one in list_episodes.sync(client=client).items],
            "problem": unknown.status if isinstance(unknown, Problem) else None,
            "content": content.payload.read() == transcript,
        }
    )
)
client.get_httpx_client().close()
