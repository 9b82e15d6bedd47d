import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// A TCP connection for probes: lines, a time limit, nothing else.
///
/// It blocks, so probes run on threads of their own.
final class LineSocket {
  /// Why it failed, in the system's words.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private static let longestLine = 4096

  /// Connects, within the time.
  init(_ address: IPAddress, port: Int, timeout: Duration) throws {
    let isFour = address.bitWidth == 32
    descriptor = socket(isFour ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(description: String(cString: strerror(errno))) }
    let milliseconds = max(1, timeout.wholeMilliseconds)
    var limit = timeval(tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000) * 1000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard Self.connect(descriptor, address, port) == 0 else {
      let reason = errno == EINPROGRESS || errno == EAGAIN ? "timed out" : String(cString: strerror(errno))
      close(descriptor)
      throw Failure(description: reason)
    }
  }

  deinit { close(descriptor) }

  private static func connect(_ descriptor: Int32, _ address: IPAddress, _ port: Int) -> Int32 {
    let port = in_port_t(truncatingIfNeeded: port).bigEndian
    if address.bitWidth == 32 {
      var four = sockaddr_in()
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port
      withUnsafeMutableBytes(of: &four.sin_addr) { $0.copyBytes(from: address.octets) }
      return connect(descriptor, to: &four)
    }
    var six = sockaddr_in6()
    six.sin6_family = sa_family_t(AF_INET6)
    six.sin6_port = port
    withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: address.octets) }
    return connect(descriptor, to: &six)
  }

  private static func connect<Address>(_ descriptor: Int32, to address: inout Address) -> Int32 {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }

  /// Sends a command and reads the whole reply.
  func command(_ text: String) throws -> String {
    let bytes = Array((text + "\r\n").utf8)
    guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw Failure(description: String(cString: strerror(errno)))
    }
    return try reply()
  }

  /// Reads one reply of one or more lines; its last line.
  func reply() throws -> String {
    for _ in 0..<200 {
      let line = try line()
      let octets = Array(line.utf8)
      guard octets.count > 3, octets[3] == 0x2d else { return line }
    }
    throw Failure(description: "a reply without end")
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0a) {
        let line = buffer[..<end].filter { $0 != 0x0d }
        buffer.removeFirst(end + 1)
        return String(decoding: line, as: UTF8.self)
      }
      guard buffer.count < Self.longestLine else { throw Failure(description: "a line without end") }
      var chunk = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else {
        throw Failure(
          description: count == 0 ? "closed" : errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno)))
      }
      buffer += chunk.prefix(count)
    }
  }
}
