// Passkeys: shows their buttons where the browser has them, and says what went wrong.
if (window.PublicKeyCredential && window.isSecureContext) {
  for (const button of document.querySelectorAll("[data-needs-passkeys]")) button.hidden = false;
}
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const place = document.querySelector("[data-passkey-error]");
  const given = event.detail.exception?.name === "NotAllowedError";
  place.textContent = given ? "Nothing was chosen. Try again, or sign in another way." : "The passkey could not be used here.";
  place.hidden = false;
});
