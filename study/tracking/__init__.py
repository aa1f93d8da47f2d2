"""MLflow follows the ledger: the parent run is the study, a child run a trial, pictures are stepped images.

Importing this package does not import MLflow. `Tracker` runs beside a study, `sync` catches up after one, `waiting`,
`trouble` and `why_waiting` say what MLflow still lacks and why, `damage` what is wrong with a database in the folder,
and `serve` shows MLflow's own page. Start reading at `tracker.Tracker`.
"""

from study.config.addresses import masked
from study.tracking.cursor import trouble, waiting
from study.tracking.local import damage
from study.tracking.server import ServerError, serve
from study.tracking.tracker import Ending, Tracker, sync, why_waiting

__all__ = ["Ending", "ServerError", "Tracker", "damage", "masked", "serve", "sync", "trouble", "waiting", "why_waiting"]
