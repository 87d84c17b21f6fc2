import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

/** The table of docs/partitions.tsv anew, by Kafka's own code: its header and keys from standard input. */
public class Partitions {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String header = lines.readLine();
        out.print(header + "\n");
        String[] counts = header.split("\t");
        for (String line; (line = lines.readLine()) != null; ) {
            String key = line.split("\t", 2)[0];
            byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
            StringBuilder row = new StringBuilder(key + "\t" + Utils.murmur2(bytes));
            for (int at = 2; at < counts.length; at++) {
                row.append("\t").append(BuiltInPartitioner.partitionForKey(bytes, Integer.parseInt(counts[at])));
            }
            out.print(row + "\n");
        }
    }
}
