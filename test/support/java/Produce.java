import java.util.Base64;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Produces with the codecs that kafkajs lacks: `java -cp JARS/* Produce.java BROKERS TOPIC PARTITION`. Each line of standard input is
 * `CODEC TIMESTAMP-MS VALUE-BASE64`; the answer to each is a line with the offset.
 */
public class Produce {
  public static void main(String[] args) throws Exception {
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      String[] words = lines.nextLine().split(" ");
      Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "compression.type", words[0]);
      try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
        byte[] value = Base64.getDecoder().decode(words[2]);
        var record = new ProducerRecord<byte[], byte[]>(args[1], Integer.valueOf(args[2]), Long.valueOf(words[1]), null, value);
        System.out.println(producer.send(record).get().offset());
      }
    }
  }
}
