"""What a new pipeline or runtime must pass: subclass the class of its contract in a test file.

>>> class TestMine(PipelineTests):
...     @pytest.fixture
...     def pipeline(self): return Mine(MineOptions())

These modules need pytest, which the program does not; nothing in the program imports them.
"""

from .buckets import BucketTests
from .pipelines import PipelineTests
from .queues import QueueTests
from .runtimes import RuntimeTests

__all__ = ["BucketTests", "PipelineTests", "QueueTests", "RuntimeTests"]
