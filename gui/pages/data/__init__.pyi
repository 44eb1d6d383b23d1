from .page import dataset_choices as dataset_choices
