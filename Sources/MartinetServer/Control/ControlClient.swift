import Configuration

#if canImport(Glibc)
  import Glibc
#endif

/// Talks to a running server over its control socket; used by the command line only, and blocking.
package struct ControlClient: Sendable {
  /// Why no answer came.
  package enum Failure: Error, Sendable {
    /// Nobody listens on the socket.
    case notRunning
    /// The server did not answer in time or cut the connection.
    case noAnswer
  }

  /// Longest answer that is read.
  static let largestAnswer = 1 << 20
  private let path: String

  /// Makes a client for the host that a configuration describes.
  package init(configuration: Configuration) { path = ControlSocket.path(data: configuration.data) }

  /// Sends one line and returns the answer's lines, each split at tabs.
  ///
  /// - Throws: `Failure`.
  package func request(_ line: String) throws -> [[String]] {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure.notRunning }
    defer { close(descriptor) }
    var timeout = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    guard var address = ControlSocket.address(path) else { throw Failure.notRunning }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw Failure.notRunning }
    let request = Array((line + "\n").utf8)
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw Failure.noAnswer
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while answer.count < Self.largestAnswer {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count >= 0 else { throw Failure.noAnswer }
      if count == 0 { break }
      answer.append(contentsOf: chunk.prefix(count))
    }
    guard answer.last == 0x0a else { throw Failure.noAnswer }
    return answer.split(separator: 0x0a).map { line in
      line.split(separator: 0x09, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
  }
}

/// Where the control socket lies.
enum ControlSocket {
  static func path(data: String) -> String { "\(data)/run/martinet.sock" }

  /// The socket address of a path; `nil` when the path is longer than the system allows (107 octets).
  static func address(_ path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let octets = Array(path.utf8)
    guard octets.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
    return address
  }
}
