import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Lines of standard input, key TAB value, to a topic: Produce BROKER TOPIC. */
public class Produce {
    public static void main(String[] args) throws Exception {
        Properties options = new Properties();
        options.put("bootstrap.servers", args[0]);
        options.put("key.serializer", StringSerializer.class.getName());
        options.put("value.serializer", StringSerializer.class.getName());
        options.put("acks", "all");
        options.put("enable.idempotence", "true");
        // No partitioner.class: what Java does by itself with a key is murmur2.

        AtomicInteger failed = new AtomicInteger();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(options);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                String[] record = line.split("\t", 2);
                producer.send(new ProducerRecord<>(args[1], record[0], record[1]), (place, error) -> {
                    if (error != null) {
                        System.err.println(record[0] + ": " + error);
                        failed.incrementAndGet();
                    }
                });
            }
        }
        System.exit(failed.get() == 0 ? 0 : 1);
    }
}
