import Basics
import CFiles
import Glibc
import NIOCore
import NIOPosix

extension Connection {
  /// Collects octets to send.
  package func write(_ bytes: [UInt8]) {
    reserve(bytes.count)
    output.writeBytes(bytes)
  }

  /// Collects octets to send.
  package func write(_ bytes: ArraySlice<UInt8>) {
    reserve(bytes.count)
    output.writeBytes(bytes)
  }

  /// Collects text to send; line ends are the caller's.
  package func write(_ text: String) {
    reserve(text.utf8.count)
    output.writeString(text)
  }

  /// Collects the readable octets of a buffer to send.
  package func write(_ buffer: ByteBuffer) {
    reserve(buffer.readableBytes)
    output.writeImmutableBuffer(buffer)
  }

  /// Collects octets to send.
  package func write(_ bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count)
    output.writeBytes(bytes)
  }

  /// Collects a reply that may turn out not to be possible: its beginning, and octets written in place behind it.
  ///
  /// - Parameters:
  ///   - beginning: what stands before them.
  ///   - count: most octets that `body` writes.
  ///   - body: writes into `count` octets and says how many; `nil` takes the beginning back as well.
  /// - Returns: whether it was collected.
  package func write(
    _ beginning: String, upTo count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int?
  ) -> Bool {
    reserve(beginning.utf8.count + count)
    let mark = output.writerIndex
    output.writeString(beginning)
    var isPossible = true
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      guard let written = body(UnsafeMutableRawBufferPointer(rebasing: space[..<count])) else {
        isPossible = false
        return 0
      }
      return written
    }
    if !isPossible { output.moveWriterIndex(to: mark) }
    return isPossible
  }

  /// Number of octets collected and not yet handed to the kernel's queue.
  package var collectedOutput: Int { output.readableBytes }

  /// Sends what is collected; comes back when the client has taken enough of it for more to be collected.
  ///
  /// - Throws: `ConnectionError.closed`, or `.timeout` when the client takes nothing for `WireSettings.writeTimeout`; the
  ///   connection is closed then.
  package nonisolated(nonsending) func flush() async throws {
    let collected = takeOutput()
    if channel.eventLoop.inEventLoop {
      let gate = self.gate.value
      if let collected { gate.send(collected) }
      if gate.isClosed { throw ConnectionError.closed }
      if channel.isWritable { return }
    }
    let sent = channel.eventLoop.inEventLoop ? nil : collected
    let error = await withCheckedContinuation { continuation in
      onLoop { gate in
        if let sent { gate.send(sent) }
        gate.waitWritable(continuation)
      }
    }
    if let error { throw error }
  }

  /// Like `flush()`, but only when 64 KiB or more are collected: to be called in loops that write much.
  package nonisolated(nonsending) func flushIfLarge() async throws {
    if output.readableBytes >= settings.flushThreshold { try await flush() }
  }

  /// Sends a part of an open file, after what is collected; comes back when the kernel has taken it.
  ///
  /// In clear the kernel copies from its page cache (sendfile); under TLS it goes through memory, `fileChunk` octets at a
  /// time. Small parts are joined to what is collected. Pages that are not in memory are read on a thread pool.
  ///
  /// - Parameters:
  ///   - descriptor: an open file, which stays the caller's; its position is not used.
  ///   - offset: first octet to send.
  ///   - length: number of octets; a file that turns out shorter closes the connection and throws `.closed`.
  package nonisolated(nonsending) func writeFile(descriptor: CInt, offset: Int, length: Int) async throws {
    guard offset >= 0, length > 0 else { return }
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow else { throw ConnectionError.closed }
    var position = offset
    let copies = tls != nil || codec != nil || length <= settings.flushThreshold
    if !copies { try await flush() }
    while position < end {
      let count = min(end - position, settings.fileChunk)
      if copies {
        let chunk = try await readChunk(descriptor, position, count)
        write(chunk)
        try await flushIfLarge()
      } else {
        try await sendRegion(descriptor, position, count)
      }
      position += count
    }
  }

  /// Sends what is collected and waits until the kernel has all of it, at most so long.
  nonisolated(nonsending) func finishOutput(within limit: Duration) async {
    let channel = self.channel
    let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { channel.close(promise: nil) }
    try? await channel.writeAndFlush(takeOutput() ?? ByteBuffer()).get()
    timer.cancel()
  }

  func takeOutput() -> ByteBuffer? {
    guard output.readableBytes > 0 else { return nil }
    let collected = output
    output = ByteBuffer()
    guard let codec else {
      executor?.keepSpare(collected)
      return collected
    }
    guard let packed = codec.deflate(collected, allocator: channel.allocator) else {
      close()
      return nil
    }
    return packed
  }

  private func reserve(_ count: Int) {
    guard output.capacity == 0 else { return }
    guard count >= 1024 else {
      output = channel.allocator.buffer(capacity: max(count, 128))
      return
    }
    // Who writes much is likely to write until it is time to flush: without growing by copies on the way.
    let capacity = count + settings.flushThreshold
    output = executor?.takeSpare(capacity: capacity) ?? channel.allocator.buffer(capacity: capacity)
  }

  private nonisolated(nonsending) func readChunk(
    _ descriptor: CInt, _ position: Int, _ count: Int
  ) async throws -> ByteBuffer {
    var chunk = channel.allocator.buffer(capacity: count)
    // Only what is in memory, so that the event loop never waits for the disk.
    let got = chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      cfiles_pread_cached(descriptor, space.baseAddress, count, off_t(position))
    }
    if got == count { return chunk }
    let rest = count - got
    let from = position + got
    let allocator = channel.allocator
    var more = try await NIOThreadPool.singleton.runIfActive {
      var buffer = allocator.buffer(capacity: rest)
      while buffer.readableBytes < rest {
        let missing = rest - buffer.readableBytes
        let at = off_t(from + buffer.readableBytes)
        let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
          max(0, pread(descriptor, space.baseAddress, missing, at))
        }
        if read == 0 { break }
      }
      return buffer
    }
    guard more.readableBytes == rest else {
      close()
      throw ConnectionError.closed
    }
    chunk.writeBuffer(&more)
    return chunk
  }

  private nonisolated(nonsending) func sendRegion(_ descriptor: CInt, _ position: Int, _ count: Int) async throws {
    // Brings the pages into memory off the event loop; sendfile below then finds them.
    _ = try await NIOThreadPool.singleton.runIfActive { cfiles_readahead(descriptor, off_t(position), count) }
    let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    defer { _ = try? handle.takeDescriptorOwnership() }
    let channel = self.channel
    let timer = channel.eventLoop.scheduleTask(in: TimeAmount(settings.writeTimeout)) { channel.close(promise: nil) }
    defer { timer.cancel() }
    let region = FileRegion(fileHandle: handle, readerIndex: position, endIndex: position + count)
    do {
      try await channel.writeAndFlush(IOData.fileRegion(region)).get()
    } catch {
      close()
      throw ConnectionError.closed
    }
  }
}
