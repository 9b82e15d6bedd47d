import Glibc

/// A new file that is written line by line.
final class BufferedFile {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []
  private static let chunk = 64 << 10

  /// - Throws: `StoreError` when the file is there already, or cannot be made.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileSystem.failure("create", path) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds octets.
  func write(_ octets: some Sequence<UInt8>) throws {
    buffer += octets
    if buffer.count >= Self.chunk { try flush() }
  }

  /// Writes what is left.
  func flush() throws {
    try buffer.withUnsafeBytes { try FileSystem.writeAll(descriptor, $0, path: path) }
    buffer = []
  }
}
