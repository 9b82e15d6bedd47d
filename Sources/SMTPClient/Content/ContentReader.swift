import Basics
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Hands out a message's octets block by block; files are read on their own threads.
final class ContentReader: Sendable {
  struct ReadError: Error { var text: String }

  private enum Source {
    case bytes([UInt8])
    case file(descriptor: Int32)
  }
  private let source: Source
  private let size: Int
  private let blockSize: Int
  private let files: NIOThreadPool

  /// Opens the content; throws `ReadError` when a file is missing or has another size than promised.
  init(_ content: MessageContent, blockSize: Int, files: NIOThreadPool) async throws {
    self.blockSize = max(1024, blockSize)
    self.files = files
    switch content {
    case .bytes(let bytes):
      source = .bytes(bytes)
      size = bytes.count
    case .file(let path, let expected):
      let descriptor = try await files.runIfActive { try Self.open(path, expected: expected) }
      source = .file(descriptor: descriptor)
      size = expected
    }
  }

  deinit { if case .file(let descriptor) = source { Glibc.close(descriptor) } }

  private static func open(_ path: String, expected: Int) throws -> Int32 {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ReadError(text: "\(path): \(String(cString: strerror(errno)))") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size >= expected else {
      Glibc.close(descriptor)
      throw ReadError(text: "\(path): not \(expected) octets long")
    }
    return descriptor
  }

  /// The block that starts at `offset`; empty at the end.
  ///
  /// Throws `ReadError`.
  func block(at offset: Int) async throws -> [UInt8] {
    guard offset < size else { return [] }
    let count = min(blockSize, size - offset)
    switch source {
    case .bytes(let bytes):
      return Array(bytes[offset..<offset + count])
    case .file(let descriptor):
      return try await files.runIfActive {
        let block = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
          while filled < count {
            let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw ReadError(text: "the message file ended early") }
            filled += got
          }
        }
        return block
      }
    }
  }
}
