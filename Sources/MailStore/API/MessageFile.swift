import Glibc
import MailSyntax
import Synchronization

/// An open message, read as it goes over the wire (CRLF line ends), whatever the file's own line ends are.
///
/// All positions are wire octets. It stays readable when the message is expunged meanwhile.
package final class MessageFile: Sendable {
  /// Octets on the wire.
  package let size: Int
  /// Whether the file's octets are the wire's octets, so that `descriptor` may be sent as it is.
  package let isCRLF: Bool
  /// The open file, owned by this object; to be used only when `isCRLF`.
  package let descriptor: Int32
  private let host: StoreHost
  private let fileSize: Int
  // The wire form, once it had to be made or the file was small enough to be read when it was opened.
  private let whole: Mutex<[UInt8]?>

  init(
    descriptor: Int32, size: Int, fileSize: Int, isCRLF: Bool, contents: [UInt8]? = nil, host: StoreHost
  ) {
    whole = Mutex(contents)
    self.descriptor = descriptor
    self.size = size
    self.fileSize = fileSize
    self.isCRLF = isCRLF
    self.host = host
    host.openFiles.wrappingAdd(1, ordering: .relaxed)
  }

  deinit {
    close(descriptor)
    host.openFiles.wrappingSubtract(1, ordering: .relaxed)
  }

  /// The whole message.
  package func bytes() async throws -> [UInt8] { try await read(at: 0, count: size) }

  /// A part of the message; shorter when it reaches past the end.
  package func read(at offset: Int, count: Int) async throws -> [UInt8] {
    guard offset >= 0, offset < size, count > 0 else { return [] }
    let count = min(count, size - offset)
    if let part = known(at: offset, count: count) { return part }
    return try await host.onFiles { try self.readNow(at: offset, count: count) }
  }

  /// As `read`, blocking; for the store's own threads.
  func readNow(at offset: Int, count: Int) throws -> [UInt8] {
    if isCRLF { return try FileSystem.read(descriptor, at: offset, count: count) }
    // Where a wire octet lies in such a file is known only by reading up to it; once is enough.
    return try whole.withLock { kept in
      let bytes = try kept ?? WireForm.convert(FileSystem.read(descriptor, at: 0, count: fileSize))
      kept = bytes
      guard offset < bytes.count else { return [] }
      return Array(bytes[offset..<min(bytes.count, offset + count)])
    }
  }

  private func known(at offset: Int, count: Int) -> [UInt8]? {
    whole.withLock { bytes in
      guard let bytes, offset < bytes.count else { return nil }
      if offset == 0, count >= bytes.count { return bytes }
      return Array(bytes[offset..<min(bytes.count, offset + count)])
    }
  }
}
