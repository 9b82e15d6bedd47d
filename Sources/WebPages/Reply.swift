/// An answer: one page, after which the connection ends.
package struct Reply: Sendable {
  /// Code and reason (RFC 9110 section 15).
  package var status = "200 OK"
  /// The media type.
  package var type: String
  /// What is shown.
  package var body: [UInt8]
  /// `Cache-Control`.
  package var caching = "no-cache"
  /// Further header lines, without line ends.
  package var extra: [String] = []

  /// Octets of any type.
  package init(type: String, body: [UInt8]) {
    self.type = type
    self.body = body
  }

  /// A page for people.
  package init(html: String) { self.init(type: "text/html; charset=utf-8", body: Array(html.utf8)) }

  /// Plain text.
  package init(text: String) { self.init(type: "text/plain; charset=utf-8", body: Array(text.utf8)) }

  /// A document for programs.
  package init(xml: String) { self.init(type: "text/xml; charset=utf-8", body: Array(xml.utf8)) }

  /// What a request without a page gets.
  package init(status: String, _ text: String) {
    self.init(text: text + "\n")
    self.status = status
  }

  /// For a path that leads nowhere.
  package static var notFound: Reply { Reply(status: "404 Not Found", "There is no such page here.") }

  /// What a request gets that is refused before anybody looks for its page.
  package init(_ refusal: Request.Refusal) {
    switch refusal {
    case .bad: self.init(status: "400 Bad Request", "The request could not be understood.")
    case .tooLarge: self.init(status: "413 Content Too Large", "The request is too large.")
    case .lengthRequired: self.init(status: "411 Length Required", "Send Content-Length instead of chunks.")
    case .methodNotAllowed(let methods):
      let list = methods.joined(separator: ", ")
      self.init(status: "405 Method Not Allowed", "These pages know \(list) only.")
      extra = ["Allow: \(list)"]
    }
  }

  /// The octets that travel; HEAD leaves the body out (RFC 9110 section 9.3.2).
  package func bytes(withBody: Bool) -> [UInt8] {
    var head = "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n"
    head += "X-Content-Type-Options: nosniff\r\nCache-Control: \(caching)\r\n"
    head += "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    head += "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
    for line in extra { head += line + "\r\n" }
    return Array(head.utf8) + [0x0d, 0x0a] + (withBody ? body : [])
  }
}
