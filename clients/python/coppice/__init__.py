"""A client of Coppice nodes: connects, calls, sends, monitors, and serves names. See docs/wire.md."""

from .client import Client, Down, Exited, NodeDown
from .wire import UNDEFINED, Pid, Ref, RemoteError, derive_key

__all__ = ["UNDEFINED", "Client", "Down", "Exited", "NodeDown", "Pid", "Ref", "RemoteError", "derive_key"]
