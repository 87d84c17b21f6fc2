# Lines of standard input, key TAB value, to a topic: bash produce.sh BROKER TOPIC.
kcat -P -b "$1" -t "$2" -K '\t' -X partitioner=murmur2_random -X enable.idempotence=true -X acks=all
