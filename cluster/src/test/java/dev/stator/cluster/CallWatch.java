package dev.stator.cluster;

import io.grpc.Metadata;
import io.grpc.Status;

/** Sees the calls of a virtual network, as their callers do. */
interface CallWatch {
    void began(VirtualCall<?, ?> call);

    void ended(VirtualCall<?, ?> call, Status status, Metadata trailers);
}
