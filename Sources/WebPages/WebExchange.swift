import Wire

/// One request and its answer, after which the connection ends: no more of HTTP is needed here.
///
///     try await WebExchange(methods: ["GET", "HEAD"]).serve(connection) { request in Reply(text: request.path) }
package struct WebExchange: Sendable {
  /// The methods served; others are told of these.
  package var methods: [String]
  /// Octets of the request line, and of one header line.
  package var lineLimit = 4096
  /// Header lines of a request.
  package var headerLimit = 100
  /// Octets of a request's body.
  package var bodyLimit = 16 * 1024
  /// Time for the whole request.
  package var timeout: Duration = .seconds(10)

  /// Makes one with the default bounds.
  package init(methods: [String]) { self.methods = methods }

  /// Reads the request, asks for its page, and sends that.
  package func serve(_ connection: Connection, _ page: (Request) async throws -> Reply) async throws {
    connection.setDeadline(in: timeout)
    do {
      guard let request = try await read(connection) else { return }
      let reply = try await page(request)
      connection.write(reply.bytes(withBody: request.method != "HEAD"))
    } catch let refusal as Request.Refusal {
      connection.write(Reply(refusal).bytes(withBody: true))
    } catch ConnectionError.lineTooLong {
      connection.write(Reply(.tooLarge).bytes(withBody: true))
    }
    try await connection.flush()
  }

  /// `503` for a client that is turned away.
  package static var refusal: [UInt8] {
    Reply(status: "503 Service Unavailable", "Too many connections, try again later.").bytes(withBody: true)
  }

  /// The request; `nil` when the client is gone.
  private func read(_ connection: Connection) async throws -> Request? {
    guard let line = try await connection.readLine(limit: lineLimit, timeout: timeout) else { return nil }
    var request = try Request(line: line, methods: methods)
    for count in 0... {
      guard let header = try await connection.readLine(limit: lineLimit, timeout: timeout) else { return nil }
      if header.isEmpty { break }
      guard count < headerLimit else { throw Request.Refusal.tooLarge }
      try request.take(header: header)
    }
    guard request.method == "POST" else { return request }
    guard let length = request.contentLength else { throw Request.Refusal.lengthRequired }
    guard length <= bodyLimit else { throw Request.Refusal.tooLarge }
    var body: [UInt8] = []
    while body.count < length {
      let isOpen = try await connection.consume(timeout: timeout) { octets in
        let taken = min(octets.count, length - body.count)
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: octets[..<taken]))
        return taken
      }
      guard isOpen else { return nil }
    }
    request.body = body
    return request
  }
}
