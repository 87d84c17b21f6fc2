// Lines of standard input, key TAB value, to a topic: node produce.mjs BROKER TOPIC.
import { createInterface } from "node:readline";
import { Kafka, Partitioners } from "kafkajs";

const [broker, topic] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "my-app", brokers: broker.split(",") });
const producer = kafka.producer({
  // Since version 2 this one is murmur2, as in Java; LegacyPartitioner is not.
  createPartitioner: Partitioners.DefaultPartitioner,
  idempotent: true,
});

await producer.connect();
let messages = [];
for await (const line of createInterface({ input: process.stdin })) {
  const [key, value] = line.split("\t", 2);
  messages.push({ key, value });
  if (messages.length === 1000) {
    await producer.send({ topic, messages, acks: -1 });
    messages = [];
  }
}
if (messages.length > 0) await producer.send({ topic, messages, acks: -1 });
await producer.disconnect();
