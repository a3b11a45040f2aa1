import re

import pytest

from motionlift.core.evaluation.datasets.recording import PoseData
from motionlift.core.evaluation.queue import configuration
from motionlift.core.evaluation.rows import Budget, distinct
from motionlift.core.evaluation.studies import HUMAN36M_SOURCE, MOCAP_SOURCE, STUDIES, Run, Source, study
from motionlift.core.jobs import UsageError
from motionlift.core.lifting.network import DGNet

SOURCES = (HUMAN36M_SOURCE, MOCAP_SOURCE)
SMALL = Budget(channels=4, blocks=1)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.data)
@pytest.mark.parametrize("name", STUDIES)
def test_every_row_is_a_network(name: str, source: Source) -> None:
    one = study(name, source)
    assert len(one.rows) >= (1 if name in ("table1", "table2", "table3", "table4") else 2)
    assert len({row.label for row in one.rows}) == len(one.rows)
    for run in one.runs:
        data = PoseData(run.data, "humaneva_15" if run.data == "humaneva15" else "human36m_17", 50.0, "actions", (), ())
        network = DGNet(configuration(run, data, SMALL))
        assert dict(run.settings).items() <= vars(network.config).items()
        assert re.fullmatch(r"[\w=+.-]+", run.name), "fit for a file's name"


def test_names_tell_runs_apart() -> None:
    runs = {run for source in SOURCES for name in STUDIES for run in study(name, source).runs}
    for budget in (SMALL, Budget()):
        known = {distinct(run, budget) for run in runs}
        assert len({run.name for run in known}) == len(known)


def test_tables_share_the_network_as_it_is() -> None:
    budget = Budget(blocks=5)
    for source in SOURCES:
        base = Run(source.data, source.detector)
        for name in ("table5", "table6", "table7", "table8", "table9", "table10"):
            runs = [distinct(run, budget) for run in study(name, source).runs]
            assert base in runs, name
        assert distinct(Run("mocap", settings=(("blocks", 5), ("style", "dynamical"))), budget) == Run("mocap")


def test_the_papers_figures_agree_with_each_other() -> None:
    """The default has one error, whatever table it stands in."""
    budget = Budget(channels=128, blocks=5)
    found: dict[Run, set[float]] = {}
    for name in STUDIES:
        for row in study(name, HUMAN36M_SOURCE).rows:
            if row.paper is not None and row.value == "MPJPE":
                found.setdefault(distinct(row.run, budget), set()).add(row.paper)
    assert all(len(figures) == 1 for figures in found.values())
    assert found[Run("h36m", "cpn_ft_h36m_dbb")] == {45.3}
    assert found[Run("h36m")] == {31.2}


def test_there_is_no_such_study() -> None:
    with pytest.raises(UsageError, match="no study 'table12'"):
        study("table12", MOCAP_SOURCE)
