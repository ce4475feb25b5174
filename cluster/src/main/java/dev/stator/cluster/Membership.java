package dev.stator.cluster;

import dev.stator.cluster.wire.Member;
import java.util.List;
import java.util.function.Consumer;

/** Who else is in the cluster. */
interface Membership extends AutoCloseable {
    /** All others that have said who they are. */
    List<Member> members();

    /** Leaves. */
    @Override
    void close();

    /** How members find each other. */
    @FunctionalInterface
    interface Joining {
        /**
         * @param onChange hears all other members whenever they change; one call at a time, must
         *     not block
         */
        Membership join(ClusterOptions options, Member self, Consumer<List<Member>> onChange);
    }
}
