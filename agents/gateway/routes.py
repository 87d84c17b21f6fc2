"""The routes: method, path, role and what is said of each call. The application and OpenAPI are made of them."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from agents.gateway.access import Role
from agents.gateway.answers import (
    Accepted,
    Announced,
    CreatorAnswer,
    FeedAnswer,
    SoundAnswer,
    TagAnswer,
    TagsAnswer,
    TrendsAnswer,
    VideoAnswer,
)
from agents.gateway.calls import ListQuery, SimilarQuery
from agents.gateway.feeds import FeedQuery, RankBody
from agents.gateway.figures import (
    CampaignsAnswer,
    DeadLettersAnswer,
    ExperimentsAnswer,
    HistoryAnswer,
    ModelsAnswer,
    NowAnswer,
    QualityAnswer,
    ReadoutAnswer,
    SegmentsAnswer,
)
from agents.gateway.operator_calls import HistoryQuery, LettersQuery, ReadoutQuery
from schemas.catalogue import User, Video
from streams.why.why import Why

__all__ = ["OPERATE", "ROUTES", "Route"]


class Route(NamedTuple):
    """One call: ``call`` names a method of ``Calls``."""

    method: str
    path: str
    role: Role
    call: str
    says: str
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None


OPERATE: Final = (
    Route("GET", "/v1/operate/now", "operate", "now", "topics, shards and workers, at the latest look",
          answer=NowAnswer),
    Route("GET", "/v1/operate/history", "operate", "history", "curves of about an hour", HistoryQuery,
          answer=HistoryAnswer),
    Route("GET", "/v1/operate/quality", "operate", "quality", "what came of what was served, by source, tier and arm",
          answer=QualityAnswer),
    Route("GET", "/v1/operate/segments", "operate", "segments", "segments of viewers by interest",
          answer=SegmentsAnswer),
    Route("GET", "/v1/operate/models", "operate", "models", "models: versions, losses, the gate", answer=ModelsAnswer),
    Route("GET", "/v1/operate/experiments", "operate", "experiments", "experiments and what came of each arm",
          answer=ExperimentsAnswer),
    Route("GET", "/v1/operate/experiments/{experiment}", "operate", "readout", "how the arms of an experiment differ",
          ReadoutQuery, answer=ReadoutAnswer),
    Route("GET", "/v1/operate/campaigns", "operate", "campaigns", "campaigns and what came of them",
          answer=CampaignsAnswer),
    Route("GET", "/v1/operate/dead-letters", "operate", "dead_letters", "the latest dead letters, and their causes",
          LettersQuery, answer=DeadLettersAnswer),
    Route("GET", "/v1/operate/videos/{video}", "operate", "life", "a video's life through the tiers"),
    Route("GET", "/v1/operate/creators/{creator}", "operate", "creator_page", "what a creator has come to"),
)  # fmt: skip
"""What the dashboard shows."""

ROUTES: Final = (
    Route("POST", "/v1/events", "produce", "events", "take events; 202 once Kafka has them", answer=Accepted),
    Route("PUT", "/v1/users/{user}", "produce", "put_user", "take a viewer's record", body=User, answer=Announced),
    Route("DELETE", "/v1/users/{user}", "produce", "delete_user", "forget a viewer", answer=Announced),
    Route("PUT", "/v1/videos/{video}", "operate", "put_video", "announce a video", body=Video, answer=Announced),
    Route("DELETE", "/v1/videos/{video}", "operate", "delete_video", "remove a video", answer=Announced),
    Route(
        "GET",
        "/v1/feeds/{user}",
        "read",
        "feed",
        "a batch for a viewer, or the rest of one",
        FeedQuery,
        answer=FeedAnswer,
    ),
    Route("GET", "/v1/feeds/{user}/stream", "read", "stream", "batches and deltas as server-sent events", FeedQuery),
    Route(
        "POST",
        "/v1/feeds/{user}/rank",
        "read",
        "rank",
        "rank given videos for a viewer",
        body=RankBody,
        answer=FeedAnswer,
    ),
    Route("GET", "/v1/videos/{video}", "read", "video", "a video's record, counts and tier", answer=VideoAnswer),
    Route(
        "GET", "/v1/videos/{video}/similar", "read", "similar", "what is like a video", SimilarQuery, answer=FeedAnswer
    ),
    Route("GET", "/v1/tags", "read", "tags", "tags, the most liked of late first", ListQuery, answer=TagsAnswer),
    Route("GET", "/v1/tags/{tag}", "read", "tag", "the most liked videos under a tag", ListQuery, answer=TagAnswer),
    Route(
        "GET",
        "/v1/sounds/{sound}",
        "read",
        "sound",
        "the most liked videos with a sound",
        ListQuery,
        answer=SoundAnswer,
    ),
    Route(
        "GET",
        "/v1/creators/{creator}",
        "read",
        "creator",
        "the most liked videos by a creator",
        ListQuery,
        answer=CreatorAnswer,
    ),
    Route("GET", "/v1/trends", "read", "trends", "what rises and falls, and why", answer=TrendsAnswer),
    Route("GET", "/v1/users/{user}", "read", "user", "what is known of a viewer"),
    Route(
        "GET",
        "/v1/users/{user}/why/{video}",
        "read",
        "why",
        "why a video is, or is not, in a viewer's feed",
        answer=Why,
    ),
    *OPERATE,
)
