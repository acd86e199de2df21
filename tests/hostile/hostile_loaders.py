"""All ways by which bytes from outside come into the library."""

from loaders_of_data import (
    HousingLoader,
    IdxLoader,
    LogLoader,
    PassedLoader,
    TextLoader,
    VocabularyLoader,
)
from loaders_of_models import CheckpointLoader, ModelLoader, StateDictLoader
from loading import Loader

from diglot.callbacks import CSVLog, JSONLinesLog

LOADERS: dict[str, Loader] = {
    loader.name: loader
    for loader in (
        ModelLoader(),
        CheckpointLoader(),
        IdxLoader(packed=False),
        IdxLoader(packed=True),
        TextLoader(),
        VocabularyLoader(),
        StateDictLoader(),
        LogLoader(CSVLog),
        LogLoader(JSONLinesLog),
        HousingLoader(),
        PassedLoader(),
    )
}
