package dev.stator.cluster;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Word;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is in the cluster. Each member tells newcomers who it is; whom it does not know it asks.
 * After a split each side goes on with those it sees, and the sides merge when they see each other
 * again.
 */
final class Group implements Membership {
    private static final Logger LOG = LoggerFactory.getLogger(Group.class);

    /** Ports after the group's at which its failure detector listens. */
    private static final int DETECTOR_PORTS = 100;

    private static final long ASK_MILLIS = 1000;

    /** After so many of these somebody who looks for members should have found one. */
    private static final int LONELY_ROUNDS = 10;

    private static final long JOIN_MILLIS = 1000;

    /** Nodes are seen to be lost at their links, much sooner; this only tidies the list up. */
    private static final long SILENCE_MILLIS = 20_000;

    private final Member self;
    private final JChannel channel;
    private final Consumer<List<Member>> onChange;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Address, Member> known = new HashMap<>();
    private List<Address> present = List.of();
    private volatile boolean closing;

    private Group(Member self, JChannel channel, Consumer<List<Member>> onChange) {
        this.self = self;
        this.channel = channel;
        this.onChange = onChange;
    }

    /**
     * Joins the group, or begins one if nobody answers.
     *
     * @param onChange hears all other members whenever they change; one call at a time, must not
     *     block
     * @throws ClusterException if the port cannot be had
     */
    static Group join(ClusterOptions options, Member self, Consumer<List<Member>> onChange) {
        JChannel channel;
        try {
            channel = new JChannel(stack(options)).name(options.name());
        } catch (Exception e) {
            throw new ClusterException("the cluster's group cannot be set up: " + reason(e), e);
        }
        var group = new Group(self, channel, onChange);
        channel.setReceiver(group.new Ear());
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
        Thread.ofVirtual().name("group").start(() -> group.watch(options.join()));
        return group;
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
        var membership = new GMS().setJoinTimeout(JOIN_MILLIS);
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

    @Override
    public List<Member> members() {
        lock.lock();
        try {
            return List.copyOf(known.values());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Asks members whose word has not come, as after a merge in which a message was lost, who they
     * are; and tells people of a member that finds nobody.
     */
    private void watch(List<String> seeds) {
        try {
            for (int round = 1; !closing; round++) {
                Thread.sleep(ASK_MILLIS);
                for (var unknown : unknown()) {
                    send(unknown, Word.newBuilder().setWho(true).build());
                }
                if (round == LONELY_ROUNDS && !seeds.isEmpty() && isAlone()) {
                    LOG.warn(
                            "nobody of the cluster answers at {}: it is tried on; if a member runs there, look whether all have the same --cluster-name and --cluster-key-file",
                            String.join(", ", seeds));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isAlone() {
        lock.lock();
        try {
            return present.size() <= 1;
        } finally {
            lock.unlock();
        }
    }

    private List<Address> unknown() {
        lock.lock();
        try {
            return present.stream()
                    .filter(one -> !one.equals(channel.getAddress()) && !known.containsKey(one))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private void send(Address to, Word word) {
        try {
            channel.send(to, word.toByteArray());
        } catch (Exception e) {
            if (!closing) {
                LOG.debug("{} is told nothing", to, e);
            }
        }
    }

    private final class Ear implements Receiver {
        @Override
        public void viewAccepted(View view) {
            lock.lock();
            try {
                var before = present;
                present = List.copyOf(view.getMembers());
                boolean changed = known.keySet().retainAll(present);
                var newcomers = present.stream().filter(one -> !before.contains(one)).toList();
                // The group must not be made to wait for itself.
                Thread.ofVirtual().start(() -> introduce(newcomers));
                if (changed) {
                    onChange.accept(List.copyOf(known.values()));
                }
            } finally {
                lock.unlock();
            }
        }

        private void introduce(List<Address> newcomers) {
            for (var one : newcomers) {
                if (!one.equals(channel.getAddress())) {
                    send(one, Word.newBuilder().setMember(self).build());
                }
            }
        }

        @Override
        public void receive(Message message) {
            Word word;
            try {
                word =
                        Word.parser()
                                .parseFrom(
                                        message.getArray(),
                                        message.getOffset(),
                                        message.getLength());
            } catch (InvalidProtocolBufferException e) {
                LOG.warn("{} says what cannot be understood", message.getSrc());
                return;
            }
            switch (word.getWhatCase()) {
                case MEMBER -> heard(message.getSrc(), word.getMember());
                case WHO -> introduce(List.of(message.getSrc()));
                case WHAT_NOT_SET -> LOG.debug("{} says something new", message.getSrc());
            }
        }

        private void heard(Address from, Member member) {
            lock.lock();
            try {
                // One that has left meanwhile would never be forgotten.
                if (present.contains(from) && !member.equals(known.put(from, member))) {
                    onChange.accept(List.copyOf(known.values()));
                }
            } finally {
                lock.unlock();
            }
        }
    }

    @Override
    public void close() {
        closing = true;
        channel.close();
    }
}
