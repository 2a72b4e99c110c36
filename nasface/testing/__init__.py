"""Conformance kits: test classes that every component of a kind must pass, ours and those of plug-ins alike.

Inherit the class of your kind in a pytest file and give the fixtures it names; every `test_*` method then runs on your
component:

    class TestMine(PredictorConformance):
        @pytest.fixture
        def make(self):
            return lambda: MyPredictor(MyPredictorConfig())

The kits need pytest (`pip install 'nasface[test]'`), so nothing here is imported by nasface itself.
"""

from nasface.testing.costs import CostConformance
from nasface.testing.data import DataConformance
from nasface.testing.exporters import ExporterConformance
from nasface.testing.metrics import MetricConformance
from nasface.testing.operations import OperationConformance
from nasface.testing.predictors import PredictorConformance
from nasface.testing.recognition import ClassifierConformance, DetectorConformance
from nasface.testing.runtimes import RuntimeConformance
from nasface.testing.search import SearchConformance
from nasface.testing.selectors import SelectorConformance
from nasface.testing.spaces import SpaceConformance
from nasface.testing.supernets import SupernetConformance
from nasface.testing.tasks import ExperimentConformance, TaskConformance
from nasface.testing.training_parts import LossConformance, TeacherConformance
from nasface.testing.transports import TransportConformance

__all__ = [
    "ClassifierConformance",
    "CostConformance",
    "DataConformance",
    "DetectorConformance",
    "ExperimentConformance",
    "ExporterConformance",
    "LossConformance",
    "MetricConformance",
    "OperationConformance",
    "PredictorConformance",
    "RuntimeConformance",
    "SearchConformance",
    "SelectorConformance",
    "SpaceConformance",
    "SupernetConformance",
    "TaskConformance",
    "TeacherConformance",
    "TransportConformance",
]
