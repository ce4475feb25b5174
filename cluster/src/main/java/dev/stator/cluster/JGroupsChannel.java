package dev.stator.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jgroups.Address;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FD_SOCK2;
import org.jgroups.protocols.FRAG4;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.TCPPING;
import org.jgroups.protocols.UFC;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.dns.DNS_PING;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;
import org.jgroups.stack.Protocol;
import org.jgroups.util.TLS;
import org.jgroups.util.TLSClientAuth;

/** A group's channel by JGroups over TCP. */
final class JGroupsChannel implements Group.Channel {
    /** Ports after the group's at which its failure detector listens. */
    private static final int DETECTOR_PORTS = 100;

    private static final long JOIN_MILLIS = 1000;

    /** Whoever is to look for nobody begins the group at once. */
    private static final long ALONE_MILLIS = 10;

    /** Nodes are seen to be lost at their links, much sooner; this only tidies the list up. */
    private static final long SILENCE_MILLIS = 20_000;

    private final ClusterOptions options;
    private final JChannel channel;

    private JGroupsChannel(ClusterOptions options, JChannel channel) {
        this.options = options;
        this.channel = channel;
    }

    static JGroupsChannel of(ClusterOptions options) {
        try {
            return new JGroupsChannel(options, new JChannel(stack(options)).name(options.name()));
        } catch (Exception e) {
            throw new ClusterException("the cluster's group cannot be set up: " + reason(e), e);
        }
    }

    @Override
    public void connect(Group group) {
        channel.setReceiver(new Ear(group));
        channel.setDiscardOwnMessages(true);
        try {
            channel.connect(options.cluster());
        } catch (Exception e) {
            channel.close();
            throw new ClusterException(
                    "the cluster cannot be joined at %s port %d: %s; choose another --cluster-port, or 0 for a free one"
                            .formatted(options.host(), options.groupPort(), reason(e)),
                    e);
        }
    }

    private record Ear(Group group) implements Receiver {
        @Override
        public void viewAccepted(View view) {
            group.seen(view.getMembers());
        }

        @Override
        public void receive(Message message) {
            group.received(
                    message.getSrc(),
                    ByteBuffer.wrap(message.getArray(), message.getOffset(), message.getLength()));
        }
    }

    @Override
    public Address self() {
        return channel.getAddress();
    }

    @Override
    public void send(Address to, byte[] word) throws Exception {
        channel.send(to, word);
    }

    @Override
    public void close() {
        channel.close();
    }

    private static String reason(Throwable failure) {
        var deepest = failure;
        for (var cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            deepest = cause;
        }
        var message = deepest.getMessage();
        return message == null ? deepest.toString() : message;
    }

    private static List<Protocol> stack(ClusterOptions options) throws Exception {
        var address = InetAddress.getByName(options.host());
        var stack = new ArrayList<Protocol>();
        var transport = new TCP();
        transport.setBindAddress(address);
        transport.setBindPort(options.groupPort() == 0 ? freePort(address) : options.groupPort());
        transport.setPortRange(0);
        transport.setSockConnTimeout(1000);
        options.key()
                .ifPresent(
                        key ->
                                transport.tls(
                                        new TLS()
                                                .enabled(true)
                                                .setSSLContext(key.identity().context())
                                                .setClientAuth(TLSClientAuth.NEED)));
        stack.add(transport);
        stack.add(discovery(options));
        stack.add(new MERGE3().setMinInterval(1000).setMaxInterval(5000));
        stack.add(new FD_SOCK2().setBindAddress(address).setPortRange(DETECTOR_PORTS));
        stack.add(new FD_ALL3().setTimeout(SILENCE_MILLIS).setInterval(SILENCE_MILLIS / 5));
        stack.add(new VERIFY_SUSPECT2().setTimeout(1500));
        stack.add(new NAKACK2().useMcastXmit(false));
        stack.add(new UNICAST3());
        stack.add(new STABLE());
        var membership =
                new GMS().setJoinTimeout(options.join().isEmpty() ? ALONE_MILLIS : JOIN_MILLIS);
        membership.printLocalAddress(false);
        stack.add(membership);
        stack.add(new UFC());
        stack.add(new FRAG4());
        return stack;
    }

    /** JGroups wants to know it beforehand. */
    private static int freePort(InetAddress address) throws IOException {
        try (var socket = new ServerSocket(0, 1, address)) {
            return socket.getLocalPort();
        }
    }

    private static Protocol discovery(ClusterOptions options) {
        var first = options.join().stream().findFirst().orElse("");
        if (first.startsWith(ClusterOptions.DNS)) {
            return new DNS_PING().setDNSQuery(first.substring(ClusterOptions.DNS.length()));
        }
        var hosts = new ArrayList<InetSocketAddress>();
        for (var seed : options.join()) {
            int colon = seed.lastIndexOf(':');
            hosts.add(
                    new InetSocketAddress(
                            seed.substring(0, colon), Integer.parseInt(seed.substring(colon + 1))));
        }
        var ping = new TCPPING().setPortRange(0).initialHosts(hosts);
        // Who knows one member learns from it where all others are, which need not know him.
        return ping.returnEntireCache(true);
    }
}
