"""The workspace without HTTP: its state, composed from one object a concern, and what they share."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

import orjson

from mlflow_genie_plugin.emulator.answers import AnswerDesk, Answerer
from mlflow_genie_plugin.emulator.api_errors import invalid
from mlflow_genie_plugin.emulator.behaviour import Behaviour, Controls
from mlflow_genie_plugin.emulator.conversations import Conversations
from mlflow_genie_plugin.emulator.evaluations import Evaluations
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.identities import Identities
from mlflow_genie_plugin.emulator.sample import SAMPLE_DESCRIPTION, SAMPLE_TITLE, sample_document
from mlflow_genie_plugin.emulator.space import Space
from mlflow_genie_plugin.emulator.spaces import Spaces
from mlflow_genie_plugin.emulator.statements import Statements
from mlflow_genie_plugin.emulator.store import Store

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.warehouse import Warehouse

WAREHOUSE_ID: Final = "5a3b1e0c0de00001"
SAMPLE_SPACE_ID: Final = "01f0c0de5a3b1e0c8000000000005a1e"


class World:
    """Everything the routes act on. A reset builds the parts anew on the same warehouse and store."""

    def __init__(self, store: Store, warehouse: Warehouse, answerer: Answerer, token: str, *, sample: bool) -> None:
        self.lock = threading.RLock()
        self.store = store
        self.warehouse = warehouse
        self.identities = Identities(token)
        self._answerer = answerer
        self._sample = sample
        self.controls = Controls()
        self._build(None)
        # Also when it lies in the trash it has been here, and nobody asked for it again.
        if self.spaces.get(SAMPLE_SPACE_ID) is None:
            self.add_sample()

    def _build(self, seed: int | None) -> None:
        self.ids = IdSource(seed)
        self.statements = Statements(self.warehouse, self.ids, self.controls)
        self.spaces = Spaces(self.store, self.ids, self.controls, self.warehouse.require_assets)
        desk = AnswerDesk(self._answerer, self.warehouse.view, self.statements, self.ids)
        self.conversations = Conversations(
            self.store,
            self.ids,
            self.controls,
            self.lock,
            desk,
            self.statements,
            self.live_space,
            self.has_warehouse,
        )
        self.evaluations = Evaluations(self.store, self.ids, self.controls, self.lock, desk, self.statements)

    def live_space(self, space_id: str) -> Space | None:
        """Return the stored space unless it is in the trash."""
        space = self.spaces.get(space_id)
        return None if space is None or space.trashed else space

    @staticmethod
    def has_warehouse(warehouse_id: str) -> bool:
        return warehouse_id == WAREHOUSE_ID

    def add_sample(self) -> Space | None:
        """Put the sample space into the workspace, as it was at first; None when there is none to add."""
        if not self._sample:
            return None
        text = orjson.dumps(sample_document()).decode()
        with self.lock:
            owner = self.identities.by_token[self.identities.owner_token]
            found = self.spaces.get(SAMPLE_SPACE_ID)
            if found is not None and not found.trashed:
                return self.spaces.update(
                    found,
                    {
                        "serialized_space": text,
                        "title": SAMPLE_TITLE,
                        "description": SAMPLE_DESCRIPTION,
                        "warehouse_id": WAREHOUSE_ID,
                    },
                )
            if found is not None:
                self.spaces.forget(SAMPLE_SPACE_ID)
            return self.spaces.create(
                owner,
                serialized_space=text,
                warehouse_id=WAREHOUSE_ID,
                title=SAMPLE_TITLE,
                description=SAMPLE_DESCRIPTION,
                parent_path="/Shared",
                space_id=SAMPLE_SPACE_ID,
            )

    def reset(self, seed: int | None = None) -> None:
        """Forget all state and behaviour; the tables and the owner's token stay. ``seed`` makes ids repeat."""
        with self.lock:
            self.statements.close()
            self.conversations.close()
            self.evaluations.close()
            self.store.clear()
            self.controls.reset()
            self.identities = Identities(self.identities.owner_token)
            self._build(seed)
            self.add_sample()

    def set_behaviour(self, values: dict[str, Any]) -> Behaviour:
        """Change how the workspace behaves from now on."""
        with self.lock:
            self.controls.behaviour = self.controls.behaviour.changed(values)
            return self.controls.behaviour

    def default_behaviour(self, values: dict[str, Any]) -> None:
        """Set how the workspace behaves from the start and after every reset."""
        with self.lock:
            self.controls.default = self.controls.default.changed(values)
            self.controls.behaviour = self.controls.default

    def add_identity(self, user_name: str, level: str | None, space_id: str | None) -> str:
        """Add a user without administrator rights and return the token; optionally with a level on one space."""
        token = secrets.token_hex(16)
        with self.lock:
            self.identities.add(user_name, token)
            if level is not None and space_id is not None:
                from mlflow_genie_plugin.emulator.permissions import merged_access_list, parsed_access_list

                space = self.spaces.get(space_id)
                if space is None:
                    raise invalid(f"there is no space {space_id}")
                entry = parsed_access_list([{"user_name": user_name, "permission_level": level}])
                self.spaces.set_access(space, merged_access_list(space.access, entry))
        return token

    def close(self) -> None:
        """Stop the threads; nothing is lost, answers on their way are worked out after the next start."""
        self.evaluations.close()
        self.conversations.close()
        self.statements.close()
