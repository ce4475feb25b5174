package dev.stator.routing.index;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes {@link SnapshotFormat}. Collects blocks in memory, which does not wait for the stream. */
final class SnapshotWriter {
    /** Blocks from which on a part should be written. */
    private static final int PART_BLOCKS = 8192;

    private static final int UNNAMED = -1;

    private final DataOutputStream out;
    private final Map<Tenure, Integer> places = new HashMap<>();
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    private final DataOutputStream data = new DataOutputStream(content);

    private final Map<Integer, Integer> numbers = new HashMap<>();
    private final List<int[]> members = new ArrayList<>();
    private int lastSet = HolderSets.NONE;
    private int lastNumber = UNNAMED;
    private long[] keys = new long[PART_BLOCKS];
    private int[] sets = new int[PART_BLOCKS];
    private int size;
    private long blocks;

    SnapshotWriter(OutputStream out) {
        this.out = new DataOutputStream(out);
    }

    /** What is known of a place at the moment of the snapshot. */
    record Standing(Place place, Tenure tenure, long sequence, boolean inStep) {}

    void begin(List<Standing> standings) throws IOException {
        out.writeLong(SnapshotFormat.MAGIC);
        out.writeInt(SnapshotFormat.VERSION);
        data.writeByte(SnapshotFormat.PLACES);
        data.writeInt(standings.size());
        for (Standing standing : standings) {
            places.put(standing.tenure(), places.size());
            byte[] owner = standing.place().owner().getBytes(StandardCharsets.UTF_8);
            data.writeByte(standing.place().tier().ordinal());
            data.writeBoolean(standing.inStep());
            data.writeLong(standing.sequence());
            data.writeInt(owner.length);
            data.write(owner);
        }
        writePart();
    }

    boolean isFull() {
        return size >= PART_BLOCKS;
    }

    /** Collects a block, if any of the places that the snapshot began with holds it. */
    void add(long key, int set, HolderSets holders, Roster roster) {
        if (set != lastSet) {
            lastSet = set;
            lastNumber =
                    numbers.computeIfAbsent(set, one -> number(holders.confirmed(one), roster));
        }
        if (lastNumber == UNNAMED) {
            return;
        }
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            sets = Arrays.copyOf(sets, 2 * size);
        }
        keys[size] = key;
        sets[size] = lastNumber;
        size++;
    }

    private int number(int[] tenures, Roster roster) {
        int[] named =
                Arrays.stream(tenures)
                        .mapToObj(roster::tenure)
                        .filter(places::containsKey)
                        .mapToInt(places::get)
                        .toArray();
        if (named.length == 0) {
            return UNNAMED;
        }
        members.add(named);
        return members.size() - 1;
    }

    /** Writes what was collected. Afterwards numbers of sets may stand for other sets. */
    void flush() throws IOException {
        data.writeByte(SnapshotFormat.BLOCKS);
        data.writeInt(members.size());
        for (int[] set : members) {
            data.writeInt(set.length);
            for (int place : set) {
                data.writeInt(place);
            }
        }
        data.writeInt(size);
        for (int i = 0; i < size; i++) {
            data.writeLong(keys[i]);
        }
        for (int i = 0; i < size; i++) {
            data.writeShort(sets[i]);
        }
        writePart();
        blocks += size;
        size = 0;
        numbers.clear();
        members.clear();
        lastSet = HolderSets.NONE;
        lastNumber = UNNAMED;
    }

    void end() throws IOException {
        data.writeByte(SnapshotFormat.END);
        data.writeLong(blocks);
        writePart();
        out.flush();
    }

    private void writePart() throws IOException {
        byte[] bytes = content.toByteArray();
        content.reset();
        out.writeInt(bytes.length);
        out.writeInt(SnapshotFormat.checksum(bytes));
        out.write(bytes);
    }
}
