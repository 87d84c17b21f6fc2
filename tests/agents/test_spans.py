"""Parts of the log: whole spans in order, the first record after an offset, and one sentence where nobody answers."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer as KafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic

from agents.errors import Stop
from agents.producer import RecordProducer
from agents.spans import Log, Span


def filled(bootstrap: str, topic: str, count: int) -> None:
    with RecordProducer(bootstrap, client_id="test") as producer:
        producer.check()
        for number in range(count):
            producer.send(topic, b"k", b"%d" % number, partition=number % 2)


def test_every_record_of_a_span_and_no_other_is_read_in_order(mock_broker: str) -> None:
    filled(mock_broker, "t", 100)
    log = Log(mock_broker)
    assert log.places(["t", "nothing"]) == [("t", number) for number in range(4)]
    spans = log.spans(log.places(["t"]))
    assert list(spans.values()) == [Span(0, 50), Span(0, 50), Span(0, 0), Span(0, 0)]
    wanted = {("t", 0): Span(10, 20), ("t", 1): Span(48, 50), ("t", 2): Span(0, 0)}
    found = [(message.partition(), int(message.value())) for message in log.read(wanted)]
    assert [value for number, value in found if number == 0] == list(range(20, 40, 2))
    assert [value for number, value in found if number == 1] == [97, 99]
    assert list(log.read({})) == []


def test_the_first_record_after_an_offset_is_found_where_there_is_one(mock_broker: str) -> None:
    filled(mock_broker, "t", 20)
    found = Log(mock_broker).first({("t", 0): 4, ("t", 1): 10, ("t", 2): 0})
    assert {place: message.offset() for place, message in found.items()} == {("t", 0): 4}


def test_a_broker_that_does_not_answer_is_one_sentence(unused_port: int) -> None:
    with pytest.raises(Stop, match=r"does not answer within 0\.3 s"):
        Log(f"127.0.0.1:{unused_port}", timeout_s=0.3)


@pytest.mark.kafka
def test_marks_of_transactions_at_the_end_of_a_partition_are_no_records(kafka_bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for future in admin.create_topics([NewTopic("reading", 1, 1)]).values():
        future.result(30)
    producer = KafkaProducer({"bootstrap.servers": kafka_bootstrap, "transactional.id": "reading"})
    producer.init_transactions(30)
    for number, end in enumerate((producer.commit_transaction, producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce("reading", b"%d" % number)
        producer.flush(30)
        end(30)
    log, place = Log(kafka_bootstrap), ("reading", 0)
    assert log.spans([place]) == {place: Span(0, 4)}
    assert [message.value() for message in log.read(log.spans([place]))] == [b"0"]
    assert log.first({place: 1}) == {}
    assert log.first({place: 0})[place].value() == b"0"
