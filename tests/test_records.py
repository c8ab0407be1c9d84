"""The form of a file of records: what is written comes back, and nothing else passes for it."""

import hashlib
import json
import math
import os
import pickle
import zlib

import numpy as np
import pytest
from made_up_runs import made_up_record

from lstmreg_utils import DamagedFileError, Run, arm
from lstmreg_utils.lab.records import COLUMNS, FORM, decode, encode, join, read_file

RUN = Run("hidden_ar1", epochs=2)
PROBED = Run("hidden_ar1", arm=arm("input", 0.5), epochs=3, probes=[("noise", 0.5), ("unit", 1)])
RECORDS = [made_up_record(RUN, [0, 7]), made_up_record(PROBED, range(3), seconds=1.5)]


def equal(one, other):
    same = (one.run, one.seeds, one.seconds, one.made) == (
        other.run, other.seeds, other.seconds, other.made,
    )  # fmt: skip
    return same and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        and getattr(one, name).dtype == np.float32
        for name in ("epochs", "probes")
    )


def test_what_is_written_comes_back():
    back = decode(encode(RECORDS))
    assert len(back) == 2
    assert all(equal(one, other) for one, other in zip(back, RECORDS, strict=True))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e-42, 3.4e38, 0.1])
def test_every_number_comes_back_to_the_bit(odd):
    record = made_up_record(RUN, range(100))
    rng = np.random.default_rng(0)
    record.epochs[:] = rng.lognormal(sigma=9, size=record.epochs.shape)
    record.epochs[3, 5, 1] = odd
    [back] = decode(encode([record]))
    assert equal(back, record)


def test_same_records_give_the_same_bytes():
    again = [made_up_record(RUN, [0, 7]), made_up_record(PROBED, range(3), seconds=1.5)]
    assert encode(RECORDS) == encode(again)


def test_records_of_a_setting_are_joined_where_they_were_made_alike():
    parts = [RECORDS[1].take([k]) for k in (2, 0, 1)]
    assert equal(*join(parts), RECORDS[1])
    other = made_up_record(PROBED, [3], date="2027-01-01")
    assert [record.seeds for record in join([*parts, other])] == [(0, 1, 2), (3,)]


def test_order_of_the_fields_does_not_matter():
    index, packed = parts_of(encode(RECORDS))
    index["blocks"][0]["run"] = dict(reversed(index["blocks"][0]["run"].items()))
    assert equal(decode(signed(index, packed))[0], RECORDS[0])


# What is no file of records.


def parts_of(data):
    line, _, packed = data.split(b"\n", 2)[2].partition(b"\n")
    return json.loads(line), packed


def signed(index, packed):
    """A file with a digest that fits, as somebody with bad intentions would write it."""
    line = index if isinstance(index, bytes) else json.dumps(index).encode()
    body = line + b"\n" + packed
    return b"\n".join((FORM, hashlib.sha256(body).hexdigest().encode(), body))


def with_index(**changed):
    index, packed = parts_of(encode(RECORDS))
    return signed({**index, **changed}, packed)


def with_block(**changed):
    index, packed = parts_of(encode(RECORDS))
    index["blocks"][0] |= changed
    return signed(index, packed)


def with_run(**changed):
    index, packed = parts_of(encode(RECORDS))
    index["blocks"][0]["run"] |= changed
    return signed(index, packed)


def with_numbers(packed):
    return signed(parts_of(encode(RECORDS))[0], packed)


def flipped(place):
    data = bytearray(encode(RECORDS))
    data[int(place * (len(data) - 1))] ^= 0x01
    return bytes(data)


WHOLE = encode(RECORDS)
DAMAGED = {
    "empty": b"",
    "cut": WHOLE[:-20],
    "line added": WHOLE + b"\n",
    "another form": WHOLE.replace(b"records 1", b"records 2", 1),
    "pickle": pickle.dumps({"run": 1}),
    "archive": b"PK\x03\x04" + b"\0" * 99,
    "text": b"{}",
    "digest of something else": WHOLE.replace(b"\n", b"\n0", 1),
    **{f"bit turned at {place}": flipped(place) for place in (0, 0.02, 0.1, 0.5, 0.9, 1)},
}
HOSTILE = {
    "no index": signed(b"", b""),
    "index of no object": signed(b"[1, 2]", b""),
    "null": signed(b"null", b""),
    "deep index": signed(b"[" * 10**5, b""),
    "long number": signed(b'{"columns": 1' + b"0" * 5000 + b"}", b""),
    "other columns": with_index(columns=[*COLUMNS[:-1], "loss"]),
    "columns of no list": with_index(columns=7),
    "blocks of no list": with_index(blocks={"run": 1}),
    "made of no list": with_index(made=3),
    "made without numerics": with_index(made=[{}, {}]),
    "numerics of text": with_index(made=[{"numerics": "1"}] * 2),
    "unknown task": with_run(task="vowels"),
    "task of a list": with_run(task=["hidden_ar1"]),
    "epochs of text": with_run(epochs="2"),
    "epochs beyond memory": with_run(epochs=10**15),
    "unknown field": with_run(colour="red"),
    "arm of numbers": with_run(arm=[[1, 2, 3]]),
    "options of numbers": with_run(options=[1]),
    "no seeds": with_block(seeds=[]),
    "seeds of text": with_block(seeds=["0", "7"]),
    "seeds twice": with_block(seeds=[7, 7]),
    "seeds of one number": with_block(seeds=7),
    "negative seed": with_block(seeds=[0, -1]),
    "truth for a seed": with_block(seeds=[0, True]),
    "seconds of text": with_block(seconds=["a", "b"]),
    "too few seconds": with_block(seconds=[0.1]),
    "made by nobody": with_block(made=99),
    "made by text": with_block(made="0"),
    "no numbers": with_numbers(b""),
    "numbers that are not packed": with_numbers(b"\0" * 400),
    "too few numbers": with_numbers(zlib.compress(b"\0" * 4)),
    "too many numbers": with_numbers(zlib.compress(b"\0" * 10**4)),
    "a bomb": with_numbers(zlib.compress(b"\0" * 10**8, 9)),
    "more behind the numbers": with_numbers(parts_of(encode(RECORDS))[1] + b"more"),
    "numbers that are cut": with_numbers(parts_of(encode(RECORDS))[1][:-9]),
}


@pytest.mark.parametrize("data", [*DAMAGED.values(), *HOSTILE.values()], ids=[*DAMAGED, *HOSTILE])
def test_what_was_not_written_so_is_refused_by_name(data, tmp_path):
    path = tmp_path / "some.run"
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"some\.run: "):
        read_file(path)
    assert path.read_bytes() == data


def test_hostile_files_have_a_digest_that_fits():
    """Else they would be refused for their digest, and prove nothing of the index."""
    for name, data in HOSTILE.items():
        with pytest.raises(DamagedFileError, match="not a record"):
            decode(data)
        assert data.startswith(FORM), name
    assert all(map(equal, decode(signed(*parts_of(encode(RECORDS)))), RECORDS))


def test_bomb_takes_no_memory(tmp_path):
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(DamagedFileError):
        decode(HOSTILE["a bomb"])
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to nothing"])
def test_what_is_no_regular_file_is_refused_at_once(kind, tmp_path):
    path = tmp_path / "some.run"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "link to nothing":
            path.symlink_to(tmp_path / "nothing")
    with pytest.raises(DamagedFileError, match=r"some\.run"):
        read_file(path)


class Tripwire:
    touched = False

    def __reduce__(self):
        return setattr, (Tripwire, "touched", True)


def test_reading_runs_no_code():
    for data in (pickle.dumps(Tripwire()), signed({"columns": COLUMNS}, pickle.dumps(Tripwire()))):
        with pytest.raises(DamagedFileError):
            decode(data)
    assert not Tripwire.touched
