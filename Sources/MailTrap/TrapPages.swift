import Basics
import NIOPosix
import WebPages
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
  /// Messages one page shows.
  private static let pageLimit = 500

  /// Makes the pages.
  package init(store: TrapStore, files: NIOThreadPool, json: @escaping JSON) {
    self.store = store
    self.files = files
    self.json = json
  }

  /// Answers one request.
  package func serve(_ connection: Connection) async throws {
    try await WebExchange(methods: ["GET", "HEAD", "DELETE"]).serve(connection) { request in
      // A page elsewhere whose name was pointed at us must not read what was caught.
      guard Self.isOurs(request.host) else { return Reply(status: "421 Misdirected Request", "not this host") }
      var reply = await answer(request)
      reply.caching = "no-store"
      return reply
    }
  }

  /// `503` for those who are turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { WebExchange.refusal }

  /// `localhost` or an address.
  private static func isOurs(_ host: String) -> Bool {
    host.hasPrefix("[") || host == "localhost" || IPAddress(host) != nil
  }

  private func answer(_ request: Request) async -> Reply {
    do {
      return try await files.runIfActive { [self] in try answerNow(request) }
    } catch let failure as TrapStore.Failure where failure.isMissing {
      return Reply(status: "404 Not Found", "\(failure)")
    } catch {
      return Reply(status: "500 Internal Server Error", "\(error)")
    }
  }

  private func answerNow(_ request: Request) throws -> Reply {
    let parts = request.path.split(separator: "/").map(String.init)
    switch (request.method, parts.count, parts.first) {
    case ("DELETE", 1, "messages"):
      try store.clear()
      return list([])
    case ("DELETE", 2, "messages"):
      try store.clear(parts[1])
      return list([])
    case ("DELETE", _, _): return .notFound
    case (_, 0, _): return Reply(html: page(try store.list(limit: Self.pageLimit)))
    case (_, 1, "messages"): return list(try store.list(limit: Self.pageLimit))
    case (_, 2, "messages"):
      guard parts[1].hasSuffix(".eml") else { return list([try store.show(parts[1])]) }
      // Shown as text, whatever it says it is: nothing of it runs in a browser.
      return Reply(type: "text/plain; charset=utf-8", body: try store.raw(String(parts[1].dropLast(4))))
    default: return .notFound
    }
  }

  private func list(_ messages: [TrappedMessage]) -> Reply {
    Reply(type: "application/json", body: Array(json(messages).utf8))
  }

  private func page(_ messages: [TrappedMessage]) -> String {
    let rows = messages.reversed().map { message in
      let cells = [message.at.rfc3339, message.sender, message.recipients.joined(separator: ", "), "\(message.size)"]
      let subject = (message.subject.isEmpty ? "(none)" : message.subject).escaped
      let link = "<a href=\"/messages/\(message.id).eml\">\(subject)</a>"
      return "<tr>" + cells.map { "<td>\($0.escaped)</td>" }.joined() + "<td>\(link)</td></tr>"
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
}
