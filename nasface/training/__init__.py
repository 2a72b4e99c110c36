"""Training of supernets: phases, losses, distillation, checkpoints. Options here; torch on first use."""

from nasface.training.components import ForeignTeacher as ForeignTeacher
from nasface.training.components import TeacherConfig as TeacherConfig
from nasface.training.objectives import LargestTeacherConfig as LargestTeacherConfig
from nasface.training.options import TrainingConfig as TrainingConfig
