package dev.stator.cluster;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Word;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jgroups.Address;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is in the cluster. Each member tells newcomers who it is; whom it does not know it asks.
 * After a split each side goes on with those it sees, and the sides merge when they see each other
 * again. Who is seen, and what they say, it hears from its {@link Channel}.
 */
final class Group implements Membership {
    private static final Logger LOG = LoggerFactory.getLogger(Group.class);
    private static final Duration ASK = Duration.ofSeconds(1);

    /** After so many of these somebody who looks for members should have found one. */
    private static final int LONELY_ROUNDS = 10;

    /** So many who were never seen are remembered. */
    private static final int MOST_EARLY = 256;

    /** A member's way to the others. */
    interface Channel extends AutoCloseable {
        /**
         * Joins the others, or begins a group if nobody answers. From then on the group hears of
         * views, in order, and of words.
         *
         * @throws ClusterException if the port cannot be had
         */
        void connect(Group group);

        Address self();

        /** What is lost is asked for later. */
        void send(Address to, byte[] word) throws Exception;

        /** Leaves. */
        @Override
        void close();
    }

    private final Channel channel;
    private final Clock clock;
    private final Member self;
    private final List<String> seeds;
    private final Consumer<List<Member>> onChange;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Address, Member> known = new HashMap<>();

    /** Those who said who they are before they were seen, as they do to a newcomer. */
    private final Map<Address, Member> early = new LinkedHashMap<>();

    private List<Address> present = List.of();
    private volatile boolean closing;

    private Group(
            Channel channel,
            Clock clock,
            Member self,
            List<String> seeds,
            Consumer<List<Member>> onChange) {
        this.channel = channel;
        this.clock = clock;
        this.self = self;
        this.seeds = seeds;
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
        return join(JGroupsChannel.of(options), Clock.system(), self, options.join(), onChange);
    }

    /**
     * @param seeds who is asked for the group, for people
     */
    static Group join(
            Channel channel,
            Clock clock,
            Member self,
            List<String> seeds,
            Consumer<List<Member>> onChange) {
        var group = new Group(channel, clock, self, seeds, onChange);
        channel.connect(group);
        clock.after(ASK, () -> group.ask(1));
        return group;
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
    private void ask(int round) {
        if (closing) {
            return;
        }
        for (var unknown : unknown()) {
            send(unknown, Word.newBuilder().setWho(true).build());
        }
        if (round == LONELY_ROUNDS && !seeds.isEmpty() && isAlone()) {
            LOG.warn(
                    "nobody of the cluster answers at {}: it is tried on; if a member runs there, look whether all have the same --cluster-name and --cluster-key-file",
                    String.join(", ", seeds));
        }
        clock.after(ASK, () -> ask(round + 1));
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
                    .filter(one -> !one.equals(channel.self()) && !known.containsKey(one))
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

    private void introduce(List<Address> newcomers) {
        for (var one : newcomers) {
            if (!one.equals(channel.self())) {
                send(one, Word.newBuilder().setMember(self).build());
            }
        }
    }

    // What the channel tells.

    /** These can be spoken to now, this member included. */
    void seen(List<Address> view) {
        lock.lock();
        try {
            var before = present;
            present = List.copyOf(view);
            boolean changed = known.keySet().retainAll(present);
            for (var one : present) {
                var said = Optional.ofNullable(early.remove(one));
                said.ifPresent(member -> known.put(one, member));
                changed |= said.isPresent();
            }
            var newcomers = present.stream().filter(one -> !before.contains(one)).toList();
            // The group must not be made to wait for itself.
            clock.execute(() -> introduce(newcomers));
            if (changed) {
                onChange.accept(List.copyOf(known.values()));
            }
        } finally {
            lock.unlock();
        }
    }

    void received(Address from, ByteBuffer message) {
        Word word;
        try {
            word = Word.parseFrom(message);
        } catch (InvalidProtocolBufferException e) {
            LOG.warn("{} says what cannot be understood", from);
            return;
        }
        switch (word.getWhatCase()) {
            case MEMBER -> heard(from, word.getMember());
            case WHO -> introduce(List.of(from));
            case WHAT_NOT_SET -> LOG.debug("{} says something new", from);
        }
    }

    private void heard(Address from, Member member) {
        lock.lock();
        try {
            if (!present.contains(from)) {
                // It may have left, and would then never be forgotten; or be about to be seen.
                early.put(from, member);
                if (early.size() > MOST_EARLY) {
                    early.remove(early.keySet().iterator().next());
                }
            } else if (!member.equals(known.put(from, member))) {
                onChange.accept(List.copyOf(known.values()));
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        closing = true;
        channel.close();
    }
}
