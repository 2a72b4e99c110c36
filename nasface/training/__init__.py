"""Training of supernets: phases, losses, distillation, checkpoints. Options here; torch on first use."""

from nasface.training.objectives import LOSSES as LOSSES
from nasface.training.objectives import TEACHERS as TEACHERS
from nasface.training.options import TrainingConfig as TrainingConfig
