from .formats import (
    MODEL_FORMATS as MODEL_FORMATS,
    ModelFormat as ModelFormat,
    RunAtHand as RunAtHand,
    WrittenModel as WrittenModel,
    write_model as write_model,
)
