/// A login that was tried.
package struct LoginNotice: Sendable, Equatable {
  /// The account, or the login as it was given where there is none.
  package let login: String
  /// By which service.
  package let service: MailService
  /// Whether it succeeded.
  package let isRight: Bool
}

extension Accounts {
  /// Calls back for every login by password and every finished SCRAM exchange; the last caller counts.
  ///
  /// - Parameter onLogin: must be short and must not wait; it may run on any thread.
  package func observeLogins(_ onLogin: @escaping @Sendable (LoginNotice) -> Void) {
    observer.listen(onLogin)
  }

  func tell(_ login: String, _ service: MailService, isRight: Bool) {
    observer.tell(LoginNotice(login: login, service: service, isRight: isRight))
  }
}
