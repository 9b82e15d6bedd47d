import Basics

/// INPROGRESS (RFC 9585): word of how far a long command is.
extension IMAPSession {
  /// What a long command tells its progress to; it reaches the client every so often only.
  func progress(_ tag: [UInt8]) -> (_ done: Int, _ all: Int) async throws -> Void {
    var last = service.time.uptime
    return { done, all in
      let now = self.service.time.uptime
      guard done < all, now - last >= self.limits.progressInterval else { return }
      last = now
      var code = ResponseWriter()
      code.text("INPROGRESS (")
      code.string(tag)
      code.raw(" \(done) \(all))")
      self.untagged("OK", .withText(String(decoding: code.bytes, as: UTF8.self)), "Still working")
      self.send()
      try await self.connection.flush()
    }
  }
}
