import Basics
import NIOPosix
import Wire

/// What was caught, over HTTP: a list for people, JSON for programs, the octets as they came (R63).
///
///     GET /  GET /messages  GET /messages/ID  GET /messages/ID.eml  DELETE /messages  DELETE /messages/ID
package final class TrapPages: ConnectionHandler {
  /// Turns messages into JSON; the caller's own, so that all of the host's JSON looks alike.
  package typealias JSON = @Sendable ([TrappedMessage]) -> String

  private let store: TrapStore
  private let files: NIOThreadPool
  private let json: JSON
  private static let lineLimit = 4096
  private static let headers = 100
  private static let timeout = Duration.seconds(10)
  /// Messages one page shows.
  private static let pageLimit = 500

  /// Makes the pages.
  package init(store: TrapStore, files: NIOThreadPool, json: @escaping JSON) {
    self.store = store
    self.files = files
    self.json = json
  }

  private struct Answer: Sendable {
    var status = "200 OK"
    var type = "application/json"
    var body: [UInt8]
  }

  /// Answers one request.
  package func serve(_ connection: Connection) async throws {
    connection.setDeadline(in: Self.timeout)
    guard let (method, path, host) = try await request(connection) else { return }
    let answer: Answer
    if !Self.isOurs(host) {
      // A page elsewhere whose name was pointed at us must not read what was caught.
      answer = Answer(status: "421 Misdirected Request", type: "text/plain", body: Array("not this host\n".utf8))
    } else {
      answer = await self.answer(method, path)
    }
    connection.write(
      "HTTP/1.1 \(answer.status)\r\nContent-Type: \(answer.type)\r\nContent-Length: \(answer.body.count)\r\n"
        + "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        + "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n")
    if method != "HEAD" { connection.write(answer.body) }
    try await connection.flush()
  }

  /// `503` for those who are turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? {
    Array("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
  }

  private func request(_ connection: Connection) async throws -> (method: String, path: String, host: String)? {
    guard let line = try await connection.readLine(limit: Self.lineLimit, timeout: Self.timeout) else { return nil }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return nil }
    var host = ""
    for _ in 0..<Self.headers {
      guard let header = try await connection.readLine(limit: Self.lineLimit, timeout: Self.timeout) else { return nil }
      if header.isEmpty { return (words[0], String(words[1].prefix { $0 != "?" }), host) }
      let text = String(decoding: header, as: UTF8.self)
      if text.lowercased().hasPrefix("host:") {
        host = text.dropFirst(5).filter { $0 != " " && $0 != "\t" }.lowercased()
      }
    }
    return nil
  }

  /// `localhost` or an address, with or without a port.
  private static func isOurs(_ host: String) -> Bool {
    if host.hasPrefix("[") { return true }
    let name = String(host.prefix { $0 != ":" })
    return name == "localhost" || IPAddress(name) != nil
  }

  private func answer(_ method: String, _ path: String) async -> Answer {
    do {
      return try await files.runIfActive { [self] in try answerNow(method, path) }
    } catch let failure as TrapStore.Failure {
      return Answer(
        status: failure.isMissing ? "404 Not Found" : "500 Internal Server Error", type: "text/plain; charset=utf-8",
        body: Array("\(failure)\n".utf8))
    } catch {
      return Answer(
        status: "500 Internal Server Error", type: "text/plain; charset=utf-8", body: Array("\(error)\n".utf8))
    }
  }

  private func answerNow(_ method: String, _ path: String) throws -> Answer {
    let parts = path.split(separator: "/").map(String.init)
    switch (method, parts.count, parts.first) {
    case ("GET", 0, _), ("HEAD", 0, _):
      return Answer(type: "text/html; charset=utf-8", body: Array(page(try store.list(limit: Self.pageLimit)).utf8))
    case ("GET", 1, "messages"), ("HEAD", 1, "messages"):
      return Answer(body: Array(json(try store.list(limit: Self.pageLimit)).utf8))
    case ("GET", 2, "messages"), ("HEAD", 2, "messages"):
      guard parts[1].hasSuffix(".eml") else { return Answer(body: Array(json([try store.show(parts[1])]).utf8)) }
      // Shown as text, whatever it says it is: nothing of it runs in a browser.
      return Answer(type: "text/plain; charset=utf-8", body: try store.raw(String(parts[1].dropLast(4))))
    case ("DELETE", 1, "messages"):
      try store.clear()
      return Answer(body: Array(json([]).utf8))
    case ("DELETE", 2, "messages"):
      try store.clear(parts[1])
      return Answer(body: Array(json([]).utf8))
    case ("GET", _, _), ("HEAD", _, _), ("DELETE", _, _):
      return Answer(status: "404 Not Found", type: "text/plain", body: Array("no such page\n".utf8))
    default:
      return Answer(
        status: "405 Method Not Allowed", type: "text/plain", body: Array("GET, HEAD and DELETE only\n".utf8))
    }
  }

  private func page(_ messages: [TrappedMessage]) -> String {
    let rows = messages.reversed().map { message in
      let cells = [message.at.rfc3339, message.sender, message.recipients.joined(separator: ", "), "\(message.size)"]
      let subject = Self.escaped(message.subject.isEmpty ? "(none)" : message.subject)
      let link = "<a href=\"/messages/\(message.id).eml\">\(subject)</a>"
      return "<tr>" + cells.map { "<td>\(Self.escaped($0))</td>" }.joined() + "<td>\(link)</td></tr>"
    }
    return """
      <!doctype html><meta charset="utf-8"><title>Caught mail</title>
      <style>body{font:15px sans-serif;margin:2em}td,th{padding:.3em .8em;text-align:left}</style>
      <h1>\(messages.count) caught</h1>
      <table><tr><th>Time<th>From<th>To<th>Octets<th>Subject</tr>
      \(rows.joined(separator: "\n"))
      </table>
      """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
