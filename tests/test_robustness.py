import pandas as pd
import pytest

from lstmreg_utils.robustness import rises

SEEDS = range(5)


def tables(rise=0.1):
    """A twin whose loss rises by 0.3 under damage, and an arm that starts lower and rises less."""
    epochs = pd.DataFrame(
        {"run": f"{arm}{seed}", "arm": arm, "rate": 0.0 if arm == "none" else 0.5, "seed": seed,
         "epoch": epoch, "validation": float(epoch), "test": loss + seed + epoch}
        for arm, loss in {"none": 1.0, "input": 0.5}.items() for seed in SEEDS for epoch in (1, 2)
    )  # fmt: skip
    probes = pd.DataFrame(
        {**{name: row[name] for name in ("run", "arm", "rate", "seed")}, "at": at,
         "probe": "noise", "level": 0.5,
         "value": row["test"] + (0.3 if row["arm"] == "none" else rise)}
        for row in epochs.to_dict("records")
        for at, epoch in {"best": 1, "last": 2}.items() if row["epoch"] == epoch
    )  # fmt: skip
    return epochs, probes


@pytest.mark.parametrize("at", ["last", "best"])
def test_rise_is_measured_from_the_loss_on_clean_inputs(at):
    table = rises(*tables(), at=at).set_index("arm")
    assert table["rise"].to_dict() == pytest.approx({"none": 0.3, "input": 0.1})
    epoch = {"last": 2, "best": 1}[at]
    assert table.loc["none", "test"] == pytest.approx(1.0 + 2 + epoch + 0.3)


def test_lower_loss_is_not_yet_robustness():
    row = rises(*tables(rise=0.4)).set_index("arm").loc["input"]
    assert row["d_rise"] == pytest.approx(0.1)  # lower loss, and yet less robust


def test_study_without_damage_is_refused():
    epochs, probes = tables()
    for none in (pd.DataFrame(), probes.assign(probe="gradient")):
        with pytest.raises(ValueError, match="probes must hold"):
            rises(epochs, none)


def test_several_settings_are_refused():
    epochs, probes = tables()
    with pytest.raises(ValueError, match="one setting"):
        rises(epochs, pd.concat([probes, probes]))
