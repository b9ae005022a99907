import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;

/**
 * DynamoDB Local in memory, on a free loopback port. Prints its URL once it
 * listens and ends with its standard input. Its own main class listens on
 * every address and sends telemetry.
 */
class DynamoDB {
    public static void main(String[] args) throws Exception {
        System.setProperty("org.eclipse.jetty.util.log.announce", "false");
        System.setProperty("org.eclipse.jetty.LEVEL", "WARN");
        var requests = new LocalDynamoDBRequestHandler(0, true, null, false, false);
        var server = new Server(new InetSocketAddress("127.0.0.1", 0));
        server.setHandler(new LocalDynamoDBServerHandler(requests, null));
        server.start();
        System.out.println("http://127.0.0.1:" + server.getURI().getPort());
        while (System.in.read() >= 0) {
        }
        System.exit(0);
    }
}
