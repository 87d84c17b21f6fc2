"""Inferred tags: what an untagged video is taken for, how surely, and that rankings alone make use of it."""

from __future__ import annotations

import numpy as np

from streams import limits
from streams.arrays.hashing import hash64
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue
from streams.words.inferred import Themes
from tests.streams.states import video
from tests.streams.states_of_viewers import made_event
from tests.streams.test_replay import line, replayed


def catalogued(*records) -> Catalogue:
    shard, catalogue = VideoShard(0, 10**13, 1_000), Catalogue()
    for record in records:
        shard.apply_videos([(record.video_id, record)])
        catalogue.take_states(shard.states())
    return catalogue


def guessed(catalogue: Catalogue, video_id: str) -> dict[str, float]:
    """Inferred tags and how sure they are."""
    row = catalogue.row_of[video_id]
    names = {number: name for name, number in catalogue.id_of_tag.items()}
    return {
        catalogue.tag_names[names[number]]: round(float(sure), 2)
        for number, sure in zip(catalogue.guess_ids[row].tolist(), catalogue.guess_w[row], strict=True)
        if number
    }


def test_other_uploads_of_a_creator_say_what_an_untagged_one_is_about_the_more_the_surer():
    some = [video(f"v{at}", creator_id="ann", tags=["cats", f"x{at}"]) for at in range(6)]
    few, many = (guessed(catalogued(*some[:count], video("new", creator_id="ann")), "new") for count in (1, 6))
    assert few["cats"] < many["cats"] < 1.0
    assert max(many, key=lambda name: many[name]) == "cats"
    late = catalogued(video("new", creator_id="ann"), *some)
    assert guessed(late, "new") == many, "announced before them"


def test_a_sound_and_a_caption_say_it_too():
    tagged = [video(f"v{at}", creator_id=f"c{at}", tags=["猫咪"], sound_id="purr") for at in range(4)]
    assert "猫咪" in guessed(catalogued(*tagged, video("new", creator_id="z", sound_id="purr")), "new")
    assert "猫咪" in guessed(catalogued(*tagged, video("new", creator_id="z", caption="my kitten again")), "new")
    assert guessed(catalogued(*tagged, video("new", creator_id="z", caption="a new phone")), "new") == {}


def test_captions_of_a_tag_teach_what_its_captions_are_like():
    lamps = [video(f"v{at}", creator_id=f"c{at}", tags=["lumecore"], caption="glass lamps tonight") for at in range(20)]
    other = [video(f"w{at}", creator_id=f"d{at}", tags=["plain"], caption="an old road north") for at in range(20)]
    found = guessed(catalogued(*lamps, *other, video("new", creator_id="z", caption="lamps of glass")), "new")
    assert list(found) == ["lumecore"]


def test_what_gets_tags_later_is_no_longer_guessed_at():
    some = [video(f"v{at}", creator_id="ann", tags=["cats"]) for at in range(3)]
    again = video("new", creator_id="ann", tags=["dogs"])
    assert guessed(catalogued(*some, video("new", creator_id="ann"), again), "new") == {}


def test_inferred_tags_teach_no_interest():
    some = [line("videos", video(f"v{at}", creator_id="ann", tags=["cats"])) for at in range(3)]
    bare = line("videos", video("new", creator_id="ann"))
    _, one = replayed([*some, bare, line(*made_event("like", "u0", "new", 5_000))])
    assert guessed(one.catalogue, "new")
    assert hash64("cats") not in one.users.viewers.tags[0]


def test_themes_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "THEMES", 5)
    themes = Themes(3)
    themes.add([[at] for at in range(1, 20)], np.eye(3, dtype=np.float32)[np.arange(19) % 3])
    assert len(themes) == limits.THEMES


def test_beyond_so_many_guesses_the_least_sure_fall_out():
    some = [video(f"v{at}", creator_id="ann", tags=[f"t{one}" for one in range(8 - at)]) for at in range(8)]
    found = guessed(catalogued(*some, video("new", creator_id="ann")), "new")
    assert set(found) == {f"t{at}" for at in range(limits.GUESSES)}
    assert sorted(found.values(), reverse=True) == list(found.values())


def test_only_the_latest_videos_of_a_creator_are_heard():
    old = [video(f"v{at}", creator_id="ann", tags=["old"]) for at in range(8)]
    new = [video(f"w{at}", creator_id="ann", tags=["new"]) for at in range(limits.HEARD)]
    assert list(guessed(catalogued(*old, *new, video("x", creator_id="ann")), "x")) == ["new"]
